"""Why nothing arrives on a topic, and what to do about it."""

from __future__ import annotations

from rclpy.qos import QoSCompatibility, ReliabilityPolicy, qos_check_compatible
from rclpy.topic_endpoint_info import TopicEndpointInfo

from mesh_reloc_ros.ros._input import Input


def explain_silence(what: str, source: Input, timeout_s: float) -> str:
    """Return why nothing has arrived for longer than a timeout, one line; '' if something has.

    :param what: how the message calls what is missing.
    """
    if source.silent_for() <= timeout_s:
        return ''
    publishers = source.publishers()
    found = ', '.join(describe_publisher(publisher) for publisher in publishers) or 'none'
    return (
        f'no {what} for {timeout_s:g} s on {source.topic} ({source.type_name});'
        f' publishers there: {found}. {_advice(source, publishers)}'
    )


def describe_publisher(publisher: TopicEndpointInfo) -> str:
    """Return a publisher's node and QoS in a few words."""
    qos = publisher.qos_profile
    namespace = publisher.node_namespace.rstrip('/')
    return (
        f'{namespace}/{publisher.node_name} ({qos.reliability.name.lower()},'
        f' {qos.durability.name.lower()})'
    )


def _advice(source: Input, publishers: list[TopicEndpointInfo]) -> str:
    if not publishers:
        return _advice_for_empty_topic(source)
    types = {publisher.topic_type for publisher in publishers}
    if source.type_name not in types:
        return (
            f'They publish {", ".join(sorted(types))}: remap to a topic of {source.type_name},'
            ' or set the parameter image_transport'
        )
    for publisher in publishers:
        compatibility, reason = qos_check_compatible(publisher.qos_profile, source.qos)
        if compatibility == QoSCompatibility.ERROR:
            return _advice_for_incompatible_qos(source, reason)
    advice = 'They are compatible: check that the camera delivers images, or that the bag plays'
    if any(p.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT for p in publishers):
        advice += (
            '. Fast DDS loses images that are larger than its shared-memory segment when sent best'
            ' effort: make the publisher reliable, or start both sides with'
            ' FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA, or use compressed images'
        )
    return advice


def _advice_for_empty_topic(source: Input) -> str:
    advice = 'Start the camera or the bag, or remap the topic'
    hint = source.hint()
    return f'{advice}; {hint}' if hint else advice


def _advice_for_incompatible_qos(source: Input, reason: str) -> str:
    summary = ' '.join(reason.split()).rstrip(';')
    if source.qos.reliability == ReliabilityPolicy.RELIABLE and 'reliab' in reason.lower():
        return f'Their QoS does not match ({summary}): set image_reliability to auto'
    return (
        f'Their QoS does not match ({summary}): set the parameters'
        f' qos_overrides.{source.topic}.subscription.* to what they offer'
    )
