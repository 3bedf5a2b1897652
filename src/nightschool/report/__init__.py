"""The morning report: data (`morning`), page (`page`), picture (`png`), terminal table (`table`)."""
