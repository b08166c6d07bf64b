"""Files that lie beside a model's config.json and are none: each kind is told by its own name.

Nothing here counts, and nothing here needs more than the standard library.
"""

from symcount.config.filetypes.contents import of_bytes, of_name
from symcount.config.filetypes.kinds import KINDS, Kind
from symcount.config.filetypes.objects import check_typed, nameless, of_json

__all__ = ["KINDS", "Kind", "check_typed", "nameless", "of_bytes", "of_json", "of_name"]
