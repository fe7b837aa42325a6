"""A reporter as its sender sees it."""

from collections.abc import Callable

from progress_app.backends.base import Answer, Verdict

LONG_S = 3_600.0
SHORT_S = 0.001


class FakeSource:
    """A reporter that writes down what its sender does."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.has_news = False
        self.looks = self.recalls = 0
        self.on_recall: Callable[[], None] = lambda: None
        self.held = False
        self.unripe_s = 0.0
        self.on_send: Callable[[], None] = lambda: None
        self.on_renew: Callable[[], bool] = lambda: True

    def changed(self) -> bool:
        return self.has_news

    def ripens_in_s(self) -> float:
        return self.unripe_s

    def send(self) -> Answer:
        self.calls.append("send")
        self.on_send()
        return Answer(Verdict.ACCEPTED, 1)

    def renew(self) -> bool:
        self.calls.append("renew")
        return self.on_renew()

    def recall(self) -> None:
        self.recalls += 1
        self.on_recall()

    def hold(self) -> None:
        self.held = True

    def resume(self) -> None:
        self.held = False

    def watch(self) -> None:
        self.looks += 1

    def sends(self) -> int:
        return self.calls.count("send")

    def looked(self, times: int = 20) -> Callable[[], bool]:
        """A condition: the sender has looked so often again."""
        target = self.looks + times
        return lambda: self.looks >= target
