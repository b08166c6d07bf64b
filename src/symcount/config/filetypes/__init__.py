"""Files beside a model's config.json that are no config: each kind is recognised, and told by its own name.

Nothing here counts, and nothing here needs more than the standard library.
"""

from symcount.config.filetypes.contents import of_bytes, of_name
from symcount.config.filetypes.kinds import KINDS, Kind
from symcount.config.filetypes.objects import check_typed, nameless, of_json

__all__ = ["KINDS", "Kind", "check_typed", "nameless", "of_bytes", "of_json", "of_name"]
