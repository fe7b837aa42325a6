"""The first account, made when no superuser is there; containers run `python -m config.first_admin`."""

import os
import secrets

NAME = "admin"
PASSWORD_VARIABLE = "HEADWAY_ADMIN_PASSWORD"  # noqa: S105 - a variable's name
PASSWORD_BYTES = 12


def ensure() -> str | None:
    """Make `admin` when no superuser is there; return its password if it was made up here, else None.

    Django must be set up and the database migrated.
    """
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - needs a Django that is set up

    users = get_user_model()._default_manager  # noqa: SLF001 - Django's documented name for it
    if users.filter(is_superuser=True).exists():
        return None
    given = os.environ.get(PASSWORD_VARIABLE, "")
    password = given or secrets.token_urlsafe(PASSWORD_BYTES)
    account, _ = users.get_or_create(username=NAME, defaults={"is_staff": True, "is_superuser": True})
    account.is_staff = account.is_superuser = True
    account.set_password(password)
    account.save()
    return None if given else password


def main() -> None:
    """Make the account and say how to log in."""
    import django  # noqa: PLC0415 - the settings are named here

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    password = ensure()
    if password:
        print(f"Log in as {NAME} with the password {password} (shown once).")  # noqa: T201


if __name__ == "__main__":
    main()
