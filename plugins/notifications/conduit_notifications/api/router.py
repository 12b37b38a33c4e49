"""The routes of notifications."""

import re
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse

from conduit_notifications.api.schemas import NotificationResponse, NotificationsResponse
from conduit_notifications.api.stream import events
from conduit_notifications.domain.notifications import (
    NotificationId,
    NotificationService,
    NotificationStreams,
    StreamSubscription,
)
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.fields import Identifier, OffsetPagination
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import UserId

# Longer numbers are no valid ids.
ID = re.compile(r"[0-9]{1,18}")


def create_router(
    service: NotificationService, streams: NotificationStreams, authentication: Authentication
) -> APIRouter:
    """Return the routes of notifications."""
    router = ModuleRouter(tags=["Notifications"], examples=load_examples(__file__))
    CurrentUser: TypeAlias = Annotated[UserId, Depends(authentication.required)]

    async def subscribe(reader: CurrentUser) -> AsyncIterator[StreamSubscription]:
        # A dependency, so that the subscription ends with the response, also when the client disconnects.
        with streams.subscribe(reader) as subscription:
            yield subscription

    @router.get("/notifications", operation_id="GetNotifications", responses=error_responses(401, 422))
    @cacheable
    async def notifications(
        reader: CurrentUser, page: OffsetPagination
    ) -> JsonResponse[NotificationsResponse]:
        """Return your notifications, newest first, and the number of unread ones."""
        notification_list = await service.list(reader, page)
        return NotificationsResponse.respond(
            notifications=list(notification_list.views),
            notifications_count=notification_list.count,
            unread_count=notification_list.unread,
        )

    @router.post(
        "/notifications/read",
        operation_id="MarkNotificationsRead",
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401),
    )
    async def mark_all_read(reader: CurrentUser) -> None:
        """Mark all your notifications as read."""
        await service.mark_all_read(reader)

    @router.post(
        "/notifications/{id}/read",
        operation_id="MarkNotificationRead",
        responses=error_responses(401, 404, 422),
    )
    async def mark_read(id: Identifier, reader: CurrentUser) -> JsonResponse[NotificationResponse]:  # noqa: A002 - its name in the path
        """Mark one of your notifications as read."""
        return NotificationResponse.respond(notification=await service.mark_read(reader, NotificationId(id)))

    @router.get(
        "/notifications/stream",
        operation_id="StreamNotifications",
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
            **error_responses(401, 422),
        },
    )
    async def stream(
        request: Request,
        reader: CurrentUser,
        subscription: Annotated[StreamSubscription, Depends(subscribe)],
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> StreamingResponse:
        """Stream your new notifications, or those after `Last-Event-ID`."""
        last = await service.latest(reader)
        if last_event_id is not None and ID.fullmatch(last_event_id):
            # A restored database may have issued fewer ids than the client has seen.
            last = min(last, NotificationId(int(last_event_id)))
        verify_token = partial(authentication.required, request)
        return StreamingResponse(
            events(service, reader, last, subscription, verify_token),
            media_type="text/event-stream",
            # nginx would buffer it: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return router
