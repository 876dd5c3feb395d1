"""Edits of classes that the code of a task reaches, and of instances among its globals."""

from typing import Final

from tests.core.identity_table.scenario import Scenario, scenarios

CLASSES: Final[list[Scenario]] = scenarios(
    r"""
== K01 both miss | a method
; says method Adder.add() line 2
class Adder:
    def add(self, x):
        return x + 1
# %%
@task
def f(x): tick(); return Adder().add(x)
>>> f(1)
-->
x + 1 ==> x + 2

== K02 both miss | a class attribute
; says class Adder > attribute by 1 -> 2
class Adder:
    by = 1
    def add(self, x): return x + self.by
# %%
@task
def f(x): tick(); return Adder().add(x)
>>> f(1)
-->
by = 1 ==> by = 2

== K03 live miss | a class attribute is set from outside
; says class Adder > attribute by 1 -> 2
class Adder:
    by = 1
    def add(self, x): return x + self.by
@task
def f(x): tick(); return Adder().add(x)
>>> f(1)
-->
Adder.by = 2
>>> f(1)

== K04 live miss | a method is patched
; says method Adder.add()
class Adder:
    def add(self, x): return x + 1
@task
def f(x): tick(); return Adder().add(x)
>>> f(1)
-->
def add(self, x): return x + 50
Adder.add = add
>>> f(1)

== K05 two miss | a base class
; says method Base.add() line 1
class Base:
    def add(self, x): return x + 1
# %%
class Adder(Base): pass
# %%
@task
def f(x): tick(); return Adder().add(x)
>>> f(1)
-->
x + 1 ==> x + 2

== K06 both miss | another base class
; says class Adder
class One:
    by = 1
class Two:
    by = 2
# %%
class Adder(One):
    def add(self, x): return x + self.by
# %%
@task
def f(x): tick(); return Adder().add(x)
>>> f(1)
-->
Adder(One) ==> Adder(Two)

== K07 both miss | the metaclass
; says method Meta.by() line 1
class Meta(type):
    def by(cls): return 1
class Adder(metaclass=Meta): pass
# %%
@task
def f(x): tick(); return x + Adder.by()
>>> f(1)
-->
return 1 ==> return 2

== K08 both miss | a property
; says method Box.size() line 1
class Box:
    @property
    def size(self): return 1
# %%
@task
def f(x): tick(); return Box().size
>>> f(1)
-->
return 1 ==> return 2

== K09 both miss | a class method that becomes static
; says class Box > attribute make kind classmethod -> staticmethod
class Box:
    @classmethod
    def make(cls=5): return str(cls)[-5:]
# %%
@task
def f(x): tick(); return Box.make()
>>> f(1)
-->
@classmethod ==> @staticmethod

== K10 both miss | the state of an instance
; says object model > .depth 3 -> 4
class Model:
    def __init__(self, depth): self.depth = depth
# %%
model = Model(3)
# %%
@task
def f(x): tick(); return x * model.depth
>>> f(2)
-->
Model(3) ==> Model(4)

== K11 live miss | an attribute of an instance is set
; says object model > .depth 3 -> 4
class Model:
    def __init__(self, depth): self.depth = depth
model = Model(3)
@task
def f(x): tick(); return x * model.depth
>>> f(2)
-->
model.depth = 4
>>> f(2)

== K12 both miss | a method of an instance's class
; says method Model.run() line 1
class Model:
    def run(self, x): return x
model = Model()
# %%
@task
def f(x): tick(); return model.run(x)
>>> f(2)
-->
return x ==> return -x

== K13 both miss | a default of a dataclass field
; says class Params > attribute rate 1 -> 2
from dataclasses import dataclass
@dataclass
class Params:
    rate: int = 1
# %%
@task
def f(x): tick(); return x * Params().rate
>>> f(3)
-->
rate: int = 1 ==> rate: int = 2

== K14 both miss | the factory of a dataclass field
; says method Params.<lambda>() line 1
from dataclasses import dataclass, field
@dataclass
class Params:
    rates: list = field(default_factory=lambda: [1])
# %%
@task
def f(x): tick(); return Params().rates
>>> f(3)
-->
lambda: [1] ==> lambda: [2]

== K15 both miss | the order of dataclass fields
; says class Params
from dataclasses import dataclass
@dataclass
class Params:
    a: int
    b: int
# %%
@task
def f(x): tick(); return Params(1, 2).a
>>> f(3)
-->
from dataclasses import dataclass
@dataclass
class Params:
    b: int
    a: int
# %%
@task
def f(x): tick(); return Params(1, 2).a
>>> f(3)

== K16 both miss | a dataclass that is compared otherwise
; says class Params
from dataclasses import dataclass
@dataclass(eq=True)
class Params:
    a: int
# %%
@task
def f(x): tick(); return Params(1) == Params(1)
>>> f(3)
-->
eq=True ==> eq=False

== K17 both miss | a member of an enum
; says class Colour
import enum
class Colour(enum.Enum):
    RED = 1
    GREEN = 2
# %%
@task
def f(x): tick(); return Colour.GREEN.value
>>> f(3)
-->
GREEN = 2 ==> GREEN = 3

== K18 both miss | a named tuple's default
; says class Point
from typing import NamedTuple
class Point(NamedTuple):
    x: int
    y: int = 1
# %%
@task
def f(x): tick(); return Point(x).y
>>> f(3)
-->
y: int = 1 ==> y: int = 2

== K19 both miss | a special method
; says method V.__add__() line 1
class V:
    def __init__(self, x): self.x = x
    def __add__(self, other): return self.x + other.x
# %%
@task
def f(x): tick(); return V(x) + V(1)
>>> f(3)
-->
self.x + other.x ==> self.x - other.x

== K20 both miss | a descriptor's class
; says method Clip.__get__() line 1
class Clip:
    def __get__(self, owner, cls): return 1
class Box:
    size = Clip()
# %%
@task
def f(x): tick(); return Box().size
>>> f(3)
-->
return 1 ==> return 2

== K21 both miss | what __init_subclass__ adds
; says class Sub
class Base:
    def __init_subclass__(cls): cls.tag = 'one'
class Sub(Base): pass
# %%
@task
def f(x): tick(); return Sub.tag
>>> f(3)
-->
'one' ==> 'two'

== K22 both miss | a class that a helper makes
; says line
def make(by):
    class Adder:
        def add(self, x): return x + by
    return Adder
# %%
Adder = make(1)
# %%
@task
def f(x): tick(); return Adder().add(x)
>>> f(1)
-->
...
def make(by):
    class Adder:
        def add(self, x): return x - by
    return Adder
# %%
Adder = make(1)
>>> f(1)

== K23 both miss | a captured value of a class made by a factory
; says 1 -> 10
def make(by):
    class Adder:
        def add(self, x): return x + by
    return Adder
# %%
Adder = make(1)
# %%
@task
def f(x): tick(); return Adder().add(x)
>>> f(1)
-->
make(1) ==> make(10)

== K24 both miss | a pydantic model's validator
; says validator
from pydantic import BaseModel, field_validator
class Params(BaseModel):
    rate: int
    @field_validator('rate')
    @classmethod
    def validator(cls, v): return v * 2
# %%
@task
def f(x): tick(); return Params(rate=x).rate
>>> f(3)
-->
v * 2 ==> v * 5

== K25 both miss | an attrs converter
; says method Params.<lambda>() line 1
import attrs
@attrs.define
class Params:
    rate: int = attrs.field(converter=lambda v: v * 2)
# %%
@task
def f(x): tick(); return Params(x).rate
>>> f(3)
-->
v * 2 ==> v * 5

== K26 both miss | a registered implementation of a generic function
; says line 1
import functools
@functools.singledispatch
def show(x): return 'any'
@show.register
def _(x: int): return 'int'
# %%
@task
def f(x): tick(); return show(x)
>>> f(3)
-->
'int' ==> 'INT'

== K27 both miss | slots of a class
; says class Box
class Box:
    __slots__ = ('a',)
# %%
@task
def f(x):
    tick()
    try: Box().b = 1
    except AttributeError: return 'no'
    return 'yes'
>>> f(3)
-->
('a',) ==> ('a', 'b')

== K28 both miss | a type check against another class
; says global Kind
import collections.abc as abc
Kind = abc.Mapping
# %%
@task
def f(x): tick(); return isinstance(x, Kind)
>>> f([3])
-->
abc.Mapping ==> abc.Sequence
"""
)
