"""Whether the bot is alive and ready, for whoever watches it: by HTTP, beside Slack's requests."""

from aiohttp import web

from safety import Filter


def add_health(app: web.Application, judge: Filter) -> None:
    """GET /health/live and /health/ready; the latter is 503 while the filter blocks everything."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        health = await judge.health()
        told = {"status": "degraded" if health.degraded else "ok", "troubles": health.troubles}
        return web.json_response(told, status=503 if health.degraded else 200)

    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
