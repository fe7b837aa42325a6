"""What a finger is to hit is large enough: 24 pixels each way, but for links within a sentence (WCAG 2.5.8)."""

from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page

from progress_app.events import State
from tasks_app.models import Attachment, Task
from tests.stack import Stack

TARGETS = "a[href], button, input, select, summary, textarea"
TOO_SMALL = """(targets) => [...document.querySelectorAll(targets)].filter((part) => {
  const { width, height } = (part.closest("label") ?? part).getBoundingClientRect();
  const style = getComputedStyle(part);
  if (width <= 1 || height <= 1 || style.visibility === "hidden" || part.closest(".unseen, .skip")) return false;
  if (width >= 23.5 && height >= 23.5) return false;
  const around = [...part.parentElement.childNodes].filter((node) => node !== part && node.nodeType === Node.TEXT_NODE);
  const isInSentence = style.display === "inline" && around.some((node) => node.textContent.trim().length > 1);
  return !isInSentence;
}).map((part) => `${part.tagName} ${part.className} ${part.textContent.trim().slice(0, 30)} ${part.name ?? ""}`)"""


def test_every_target_on_a_phone_is_large_enough(
    live: Stack, member: Page, staff: User, running_task: Callable[..., Task]
) -> None:
    member.set_viewport_size({"width": 390, "height": 844})
    task = running_task(job="profile_csv", state=State.SUCCEEDED, result={"rows": 1})
    for name, field in (("orders.csv", "upload"), ("report.html", "")):
        Attachment.objects.create(task=task, field=field, name=name, size=1, file="x")
    running = running_task(state=State.FAILED, error_code="x", error_text="It broke.", traceback="line 7")
    paths = ["/", "/jobs/profile_csv/", "/tasks/", task.get_absolute_url(), running.get_absolute_url(), "/ops/"]
    paths += [f"{task.get_absolute_url()}again/", "/doctor/", "/nowhere/"]
    found = {}
    for path in paths:
        member.goto(live.url + path)
        found[path] = member.evaluate(TOO_SMALL, TARGETS)
    assert {path: small for path, small in found.items() if small} == {}
