"""Transitions that others ask for."""

from __future__ import annotations

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode


def refuse_impossible_transitions(node: LifecycleNode) -> None:
    """Have the service answer where a transition is not possible.

    Up to Jazzy, rclpy raises instead, which would end the node.
    """
    service = node._service_change_state
    change_state = service.callback

    def answer(
        request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        try:
            changed: ChangeState.Response = change_state(request, response)
        except RuntimeError as error:
            node.get_logger().error(f'transition {request.transition.id} is refused: {error}')
            response.success = False
            return response
        return changed

    service.callback = answer
