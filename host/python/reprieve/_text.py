"""Text of others, as it may be shown in a terminal, a log or a notebook."""


def plain(text: str) -> str:
    """Escapes everything that is not a printable character: control sequences, line ends, and marks that reverse text."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def html(text: object) -> str:
    """Escapes text for HTML."""
    from html import escape  # slow to import, and for notebooks only

    return escape(plain(str(text)))
