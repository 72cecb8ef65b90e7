"""Transactions: what was sent and how far the source was read become true in one moment, or never.

The broker knows each sender by a name; a newcomer under that name ends what its forerunner has left open, and
shuts it out. The group's generation, which goes with the positions, shuts out a sender whose partitions
have been given to others (KIP-447).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from bridge.errors import SourceError
from bridge.streams.kafka.custody import BrokenOffError, offsets_of
from bridge.streams.kafka.explain import explain
from bridge.streams.kafka.outbox import Outbox
from bridge.streams.kafka.settings import KafkaSettings

__all__ = ["Transactions"]

CALL_S = 5.0
"""How long one attempt may take, in seconds."""

_FENCED = (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH)

# A member has lost its place in the group: to others, or in the confusion of a broker that was started anew.
_OUSTED = (KafkaError.FENCED_INSTANCE_ID, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION)


class Transactions:
    """The transactions of one sender.

    Parameters
    ----------
    outbox
        Made with a transactional id.
    settings, where
        Of the client, and its brokers, for messages.
    give_up
        Asked between attempts while the broker does not answer; says whether to end.

    Raises
    ------
    SourceError
        If the broker does not let us make any.
    """

    def __init__(
        self, outbox: Outbox, settings: KafkaSettings, where: str, give_up: Callable[[], bool]
    ) -> None:
        self._outbox = outbox
        self._settings = settings
        self._where = where
        self._give_up = give_up
        self._is_open = False
        self._attempt(outbox.producer.init_transactions, CALL_S)

    def begin(self) -> None:
        """What is sent from now on belongs together."""
        if not self._is_open:
            self._attempt(self._outbox.producer.begin_transaction)
            self._is_open = True

    def commit(self, positions: Mapping[str, int], consumer: Consumer) -> None:
        """Make what was sent visible, together with the positions of the group.

        Raises
        ------
        BrokenOffError
            If it was undone.
        SourceError
            If this sender may send no more.
        """
        self.begin()
        self._outbox.flush()
        producer = self._outbox.producer
        if positions:
            offsets, group = offsets_of(positions.items()), consumer.consumer_group_metadata()
            self._attempt(producer.send_offsets_to_transaction, offsets, group, CALL_S)
        self._attempt(producer.commit_transaction, CALL_S)
        self._is_open = False

    def abort(self) -> None:
        """Undo what is not committed, as far as the broker can be reached."""
        if self._is_open:
            self._is_open = False
            self._outbox.producer.purge()
            try:
                self._outbox.producer.abort_transaction(CALL_S)
            except KafkaException:
                # The next one of this name ends it, or the broker does when its time is over.
                return

    def _attempt(self, call: Callable[..., Any], *words: Any) -> None:
        while True:
            try:
                call(*words)
            except KafkaException as error:
                trouble = error.args[0]
                sentence = explain(trouble, self._where, self._settings)
                if trouble.code() in _FENCED:
                    raise SourceError(
                        "Another process has taken over this one's name in the group, or this one was silent "
                        f"for too long. It ends; what it had not committed is done by the other. {sentence}"
                    ) from None
                if trouble.txn_requires_abort() or trouble.code() in _OUSTED:
                    raise BrokenOffError(sentence) from None
                if not trouble.retriable() or self._give_up():
                    raise SourceError(sentence) from None
            else:
                return
