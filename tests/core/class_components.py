"""Components of the identity of classes: the part of `code_components` that is about them."""

from typing import Final

from tests.core.test_code_cells import Edit, edits

CLASSES: Final[list[Edit]] = edits(
    r"""
== class base:\d+
class A: pass
class C(A): pass
def f(x): return C
-->
class A: k = 1
class C(A): pass
def f(x): return C

== class metaclass
class T(type): pass
class C(metaclass=T): pass
def f(x): return C
-->
class T(type):
    def __call__(cls): pass
class C(metaclass=T): pass
def f(x): return C

== class generic
import typing as t
class C(t.Protocol[t.TypeVar('T')]): pass
def f(x): return C
-->
import typing as t
class C(t.Protocol[t.TypeVar('U')]): pass
def f(x): return C

== class annotations
class C: a: int
def f(x): return C
-->
class C: a: str
def f(x): return C

== class method:.*
class C:
    def m(self): return 1
def f(x): return C
-->
class C:
    def m(self): return 2
def f(x): return C

== class attribute:k
class C: k = 1
def f(x): return C
-->
class C: k = 2
def f(x): return C

== class attribute:.* kind
class C:
    @staticmethod
    def m(a=1): return a
def f(x): return C
-->
class C:
    @classmethod
    def m(a=1): return a
def f(x): return C

== class attribute:p\.fget
class C:
    @property
    def p(self): return 1
def f(x): return C
-->
class C:
    @property
    def p(self): return 2
def f(x): return C

== class attribute:p\.fset
class C:
    p = property(len, lambda self, v: 1)
def f(x): return C
-->
class C:
    p = property(len, lambda self, v: 2)
def f(x): return C

== class members
import enum
class C(enum.Enum):
    A = 1
    B = 2
def f(x): return C
-->
import enum
class C(enum.Enum):
    B = 2
    A = 1
def f(x): return C

== class boundary
import enum
class C(enum.Flag): A = 1
def f(x): return C
-->
import enum
class C(enum.Flag, boundary=enum.KEEP): A = 1
def f(x): return C

== class dataclass
import dataclasses
@dataclasses.dataclass(repr=False)
class C: a: int
def f(x): return C
-->
import dataclasses
@dataclasses.dataclass
class C: a: int
def f(x): return C

== class fields
import collections
C = collections.namedtuple('C', 'a b')
def f(x): return C
-->
import collections
C = collections.namedtuple('C', 'b a')
def f(x): return C

== class field:a
import dataclasses
@dataclasses.dataclass
class C: a: int = dataclasses.field(repr=False)
def f(x): return C
-->
import dataclasses
@dataclasses.dataclass
class C: a: int = dataclasses.field()
def f(x): return C

== class field:a.default_factory
import dataclasses
@dataclasses.dataclass
class C: a: list = dataclasses.field(default_factory=lambda: [1])
def f(x): return C
-->
import dataclasses
@dataclasses.dataclass
class C: a: list = dataclasses.field(default_factory=lambda: [2])
def f(x): return C

== class field:a.metadata
import dataclasses
@dataclasses.dataclass
class C: a: list = dataclasses.field(metadata={'k': 1})
def f(x): return C
-->
import dataclasses
@dataclasses.dataclass
class C: a: list = dataclasses.field(metadata={'k': 2})
def f(x): return C

== class field:a.default
import collections
C = collections.namedtuple('C', 'a', defaults=[1])
def f(x): return C
-->
import collections
C = collections.namedtuple('C', 'a', defaults=[2])
def f(x): return C

== class field:a.validator
import attrs
@attrs.define(slots=False)
class C: a: int = attrs.field(validator=lambda s, a, v: 1)
def f(x): return C
-->
import attrs
@attrs.define(slots=False)
class C: a: int = attrs.field(validator=lambda s, a, v: 2)
def f(x): return C

== class field:a.converter
import attrs
@attrs.define(slots=False)
class C: a: int = attrs.field(converter=lambda v: 1)
def f(x): return C
-->
import attrs
@attrs.define(slots=False)
class C: a: int = attrs.field(converter=lambda v: 2)
def f(x): return C

== class decorator:.*
import pydantic
class C(pydantic.BaseModel):
    a: int
    @pydantic.field_validator('a')
    def m(cls, v): return v
def f(x): return C
-->
import pydantic
class C(pydantic.BaseModel):
    a: int
    @pydantic.field_validator('a', mode='before')
    def m(cls, v): return v
def f(x): return C

== class field:a.title
import pydantic
class C(pydantic.BaseModel): a: int = pydantic.Field(title='A')
def f(x): return C
-->
import pydantic
class C(pydantic.BaseModel): a: int = pydantic.Field(title='B')
def f(x): return C

== class field:_p.default
import pydantic
class C(pydantic.BaseModel): _p: int = 1
def f(x): return C
-->
import pydantic
class C(pydantic.BaseModel): _p: int = 2
def f(x): return C
"""
)
