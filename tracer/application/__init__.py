"""The entry points that servers load: WSGI, ASGI and CGI for any Django project.

May import Django only; `servers/` names them in its commands.
"""
