"""Sparse matrices keep the contract of codecs. SciPy is optional: without it there are no tests."""

import importlib
import importlib.util
from typing import Any

import numpy as np
import pytest

from cellgraph.identity.values import reference, restore, snapshot

if importlib.util.find_spec("scipy") is not None:
    sparse: Any = importlib.import_module("scipy.sparse")
    DENSE = np.array([[0, 1, 0, 2], [3, 0, 0, 0]])
    FORMATS = ["csr", "csc", "bsr", "coo", "dia", "lil", "dok"]
    KINDS = [f"{name}_{kind}" for name in FORMATS for kind in ("matrix", "array")]

    def made(name: str) -> Any:
        return getattr(sparse, name)(DENSE)

    @pytest.mark.parametrize("name", KINDS)
    def test_a_matrix_comes_back(name: str) -> None:
        value = made(name)
        ref, payload = snapshot(value)
        found: Any = restore(payload)
        assert type(found) is type(value)
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        assert (found.toarray() == DENSE).all()
        assert reference(found) == ref == reference(value)

    @pytest.mark.parametrize("name", KINDS)
    def test_a_copy_that_scipy_has_looked_at_is_equal(name: str) -> None:
        value, looked_at = made(name), made(name).copy()
        assert looked_at.sum() == 6
        for note in ("has_sorted_indices", "has_canonical_format"):
            getattr(looked_at, note, None)
        assert reference(value) == reference(looked_at)

    def test_wide_indices_stay_wide() -> None:
        value = made("csr_matrix")
        value.indices, value.indptr = value.indices.astype("int64"), value.indptr.astype("int64")
        found: Any = restore(snapshot(value)[1])
        assert (found.indices.dtype, found.indptr.dtype) == (np.int64, np.int64)

    def test_every_difference_counts() -> None:
        values = [made(name) for name in KINDS]
        values += [made("csr_matrix") * 2, made("csr_matrix").astype("int32")]
        values += [sparse.csr_matrix((2, 4)), sparse.csr_matrix((4, 2))]
        assert len({reference(value) for value in values}) == len(values)
