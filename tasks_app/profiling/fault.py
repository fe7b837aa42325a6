"""BadFile: what is wrong with an uploaded file, said to the person who uploaded it."""


class BadFile(Exception):
    """The file cannot be profiled; `code` is stable, the text is one sentence for the user."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
