"""The application on [web] port: health, figures, intake, providers' callbacks, unsubscribe links; for daemon.py."""

from aiohttp import web

from contactd.web import agreements, api, hand_overs, health, postings, runs, statements, tasks, unsubscribe, webhooks
from contactd.web.boundary import add_headers, boundary
from contactd.web.window import Window


def public_app(window: Window) -> web.Application:
    """Build the application; what a reload changes is looked up anew, callbacks' addresses need a restart."""
    # Larger bodies are read piece by piece by whoever takes them.
    app = web.Application(middlewares=[boundary], client_max_size=64 * 1024)
    app.on_response_prepare.append(add_headers)
    settings = window.settings()
    app.add_routes(health.routes(window))
    app.add_routes(api.routes(window))
    app.add_routes(statements.routes(window))
    app.add_routes(agreements.routes(window))
    app.add_routes(runs.routes(window))
    app.add_routes(tasks.routes(window))
    app.add_routes(postings.routes(window))
    app.add_routes(hand_overs.routes(window))
    app.add_routes(unsubscribe.routes(window))
    app.add_routes(
        webhooks.routes(
            auth_token=settings.twilio.auth_token.reveal(),
            public_url=settings.web.public_url,
            commit=window.commit,
            clock=window.clock,
            notify=window.arrived,
        )
    )
    return app
