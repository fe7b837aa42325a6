"""The addresses of the product."""

from django.urls import path

from tasks_app.views import catalogue, form, health, listing, task

app_name = "tasks"
urlpatterns = [
    path("", catalogue.catalogue, name="catalogue"),
    path("jobs/<str:name>/", form.start, name="start"),
    path("tasks/", listing.task_list, name="list"),
    path("tasks/<uuid:task_id>/", task.detail, name="detail"),
    path("tasks/<uuid:task_id>/cancel/", task.cancel, name="cancel"),
    path("tasks/<uuid:task_id>/retry/", task.retry, name="retry"),
    path("tasks/<uuid:task_id>/again/", form.again, name="again"),
    path("tasks/<uuid:task_id>/files/<int:file_id>/<str:name>", task.file, name="file"),
    path("health/", health.health, name="health"),
]
