"""The addresses of the product."""

from django.urls import path

from tasks_app.views import catalogue, doctor, form, health, link, listing, many, notices, ops, task

app_name = "tasks"
urlpatterns = [
    path("", catalogue.catalogue, name="catalogue"),
    path("jobs/<str:name>/", form.start, name="start"),
    path("jobs/<str:name>/usual/", form.usual, name="usual"),
    path("tasks/", listing.task_list, name="list"),
    path("tasks/many/", many.many, name="many"),
    path("tasks/<uuid:task_id>/", task.detail, name="detail"),
    path("tasks/<uuid:task_id>/cancel/", task.cancel, name="cancel"),
    path("tasks/<uuid:task_id>/retry/", task.retry, name="retry"),
    path("tasks/<uuid:task_id>/again/", form.again, name="again"),
    path("tasks/<uuid:task_id>/files/<int:file_id>/<str:name>", task.file, name="file"),
    path("tasks/<uuid:task_id>/log/", task.log, name="log"),
    path("tasks/<uuid:task_id>/tell-me/", task.tell_me, name="tell-me"),
    path("tasks/<uuid:task_id>/share/", task.share, name="share"),
    path("notices/", notices.newest, name="notices"),
    path("notices/seen/", notices.see, name="notices-seen"),
    path("shared/<str:token>/", link.page, name="shared"),
    path("shared/<str:token>/snapshot/", link.snapshot, name="shared-snapshot"),
    path("shared/<str:token>/files/<int:file_id>/<str:name>", link.file, name="shared-file"),
    path("shared/<str:token>/badge.svg", link.badge, name="badge"),
    path("doctor/", doctor.page, name="doctor"),
    path("doctor/tick/", doctor.tick, name="doctor-tick"),
    path("ops/", ops.page, name="ops"),
    path("ops/now/", ops.now, name="ops-now"),
    path("health/", health.health, name="health"),
]
