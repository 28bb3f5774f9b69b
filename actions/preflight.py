"""Runs every check of a plan at once, and turns what could not be told into findings."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

import msgspec

from actions.checks import CHECKS
from actions.expressions import evaluate, fill
from actions.lock import NAMESPACE, holder_of, lease_ref, namespace_exists, no_namespace
from actions.model import Finding, Level
from actions.schema import Require
from actions.world import Permission, Report, World
from console.errors import ConsoleError, LinkError, NotFoundError

Found = tuple[Finding, dict[str, Any]]
"""A finding, and what it rests on."""


async def gather(checks: Iterable[Awaitable[list[Found]]]) -> list[Found]:
    """Run checks side by side; their order is kept."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_owned(check)) for check in checks]
    return [found for task in tasks for found in task.result()]


async def _owned(check: Awaitable[list[Found]]) -> list[Found]:
    return await check


async def precondition(require: Require, scope: Mapping[str, Any], world: World) -> list[Found]:
    """Judge one entry of `require`."""
    if require.expr:
        return [_expression(require, scope)]
    spec = CHECKS[require.check]
    try:
        check = msgspec.convert(fill(require.with_, scope), spec, strict=False)
        report = await check.judge(world)
    except NotFoundError as absent:
        report = Report(ok=False, message=absent.message, remedy=absent.remedy)
    except ConsoleError as error:
        report = Report(ok=None, message=f"cannot be told: {error.message}", remedy=error.remedy)
    except msgspec.ValidationError as error:
        report = Report(ok=None, message=f"cannot be asked: {error}")
    return [(finding_of(require.check, report, require.level), report.seen)]


def _expression(require: Require, scope: Mapping[str, Any]) -> Found:
    try:
        expression = require.expr.strip().removeprefix("${{").removesuffix("}}").strip()
        ok = evaluate(expression, scope) is True
        message = str(fill(require.message, scope)) if not ok else expression
    except ConsoleError as error:
        return Finding(check="require", ok=None, message=error.message, level=require.level), {}
    return Finding(check="require", ok=ok, message=message, level=require.level), {}


async def permission(world: World, needed: Permission) -> list[Found]:
    """Ask the API server whether we may."""
    ref = needed.ref
    where = f"{needed.verb} {ref.plural} {ref.namespace}/{ref.name} in {world.cluster}"
    ok, reason = await world.objects.allowed(needed.verb, ref)
    if ok:
        return [(Finding(check="permission", ok=True, message=f"may {where}"), {})]
    if ok is None:
        # The server has the last word: a review that failed is no reason to refuse.
        message = f"whether we may {where} is not known: {reason}"
        return [(Finding(check="permission", ok=None, message=message, level=Level.WARN), {})]
    why = f": {reason}" if reason else ""
    message = f"may not {where}{why}"
    remedy = "ask for the operator role"
    return [(Finding(check="permission", ok=False, message=message, remedy=remedy), {})]


async def lock_is_free(world: World, key: str) -> list[Found]:
    """See whether a target lock could be taken."""
    place = world.management or world.cluster
    gateway = world.open(place)
    try:
        if await namespace_exists(gateway) is False:
            raise no_namespace(place)
        held = await holder_of(gateway, key, world.clock.now())
        may, reason = await gateway.allowed("create", lease_ref(key))
    except NotFoundError as absent:
        return [(_lock(ok=False, message=absent.message, remedy=absent.remedy), {})]
    except LinkError as error:
        message = f"{place}: the lock cannot be read: {error.message}"
        remedy = error.remedy or "try again when it answers"
        return [(_lock(ok=None, message=message, remedy=remedy), {})]
    if held:
        remedy = "wait for it, or ask its holder"
        return [(_lock(ok=False, message=held, remedy=remedy), {})]
    if may is False:
        message = f"may not create leases in {place}/{NAMESPACE}: {reason}".rstrip(": ")
        return [(_lock(ok=False, message=message, remedy="ask for the operator role"), {})]
    return [(_lock(ok=True, message=f"{key} is free"), {})]


def finding_of(check: str, report: Report, level: Level = Level.BLOCK) -> Finding:
    """Make a finding of what a check or step reported."""
    return Finding(
        check=check,
        ok=report.ok,
        message=report.message,
        remedy=report.remedy if report.ok is not True else "",
        level=report.level or level,
    )


def _lock(*, ok: bool | None, message: str, remedy: str = "") -> Finding:
    return Finding(check="lock", ok=ok, message=message, remedy=remedy)
