"""Where the files are that come with contactd: the default configuration and the templates."""

from pathlib import Path

_TREE = Path(__file__).parents[2]
_PACKAGED = Path(__file__).parents[1] / "defaults"


def defaults_directory() -> Path:
    """Answer the folder that holds the shipped `config` and `templates`: in the wheel, or the tree itself."""
    return _PACKAGED if _PACKAGED.is_dir() else _TREE
