"""Routes of profiles: view, follow, unfollow."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends

from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.fields import PathText
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import UserId
from modules.profiles.api.schemas import ProfileResponse
from modules.profiles.domain.service import ProfileService


def create_router(profiles: ProfileService, authentication: Authentication) -> APIRouter:
    """Return the router of profiles."""
    router = ModuleRouter(tags=["Profile"], examples=load_examples(__file__))
    CurrentUser: TypeAlias = Annotated[UserId, Depends(authentication.required)]
    Viewer: TypeAlias = Annotated[UserId | None, Depends(authentication.optional)]

    @router.get(
        "/profiles/{username}", operation_id="GetProfileByUsername", responses=error_responses(401, 404, 422)
    )
    @cacheable
    async def profile(username: PathText, viewer: Viewer) -> JsonResponse[ProfileResponse]:
        """Return a user's profile."""
        return ProfileResponse.respond(profile=await profiles.profile(username, viewer))

    @router.post(
        "/profiles/{username}/follow",
        operation_id="FollowUserByUsername",
        responses=error_responses(401, 404, 422),
    )
    async def follow(username: PathText, follower_id: CurrentUser) -> JsonResponse[ProfileResponse]:
        """Follow a user. Idempotent."""
        return ProfileResponse.respond(profile=await profiles.follow(username, follower_id))

    @router.delete(
        "/profiles/{username}/follow",
        operation_id="UnfollowUserByUsername",
        responses=error_responses(401, 404, 422),
    )
    async def unfollow(username: PathText, follower_id: CurrentUser) -> JsonResponse[ProfileResponse]:
        """Unfollow a user. Idempotent."""
        return ProfileResponse.respond(profile=await profiles.unfollow(username, follower_id))

    return router
