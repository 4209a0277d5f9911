"""Writes the generated pages of the reference from the tables that the program itself uses."""

from pathlib import Path

from offhook.voice.resources.catalogue import RESOURCES
from offhook.voice.resources.reference import document

RESOURCES_PAGE = Path(__file__).parents[1] / "docs" / "reference" / "resources.md"

if __name__ == "__main__":
    RESOURCES_PAGE.write_text(document(RESOURCES), encoding="utf-8")
