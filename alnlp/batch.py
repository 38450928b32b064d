"""What a network reads at once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B rows of L tokens with n texts; a row holds one text, or several one behind the other.

    Attributes:
        ids: token ids (B, L).
        owners: which of the n texts each token belongs to, (B, L); -1 for filling.
        positions: of each token in its text, (B, L); 0 for filling.
        starts: where each text begins in the flattened rows, (n,).
    """

    ids: Tensor
    owners: Tensor
    positions: Tensor
    starts: Tensor

    @property
    def mask(self) -> Tensor:
        """1 for tokens and 0 for filling, (B, L)."""
        return (self.owners >= 0).long()
