"""Tail-biting convolutional code with list-Viterbi decoding.

Rate 1/3, constraint length 9 (the code of 3GPP TS 36.212 has length 7; length 9 and its
generators 557, 663, 711 are those of 3GPP TS 25.212). Tail-biting: the encoder starts in the
state it will end in, so that no bits are spent on a known ending. The decoder walks the
message twice, the first lap only to learn the likely starting states (wrap-around Viterbi),
then lists the best paths in order by the tree-trellis algorithm (Soong and Huang, 1991); the
check sum of the message picks among them. On short messages this gains about 1 dB over a
plain Viterbi decoder.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.watermark.compilation import compiled

GENERATORS = (0o557, 0o663, 0o711)
CONSTRAINT_LENGTH = 9
OUTPUTS = len(GENERATORS)
STATES = 1 << (CONSTRAINT_LENGTH - 1)

#: Paths tried per decoding. 256 keeps a decoding below a millisecond; more gains < 0.1 dB.
LIST_SIZE = 256


def _output_table() -> NDArray[np.float32]:
    """Symbols sent on entering each register value, shape (2 * STATES, OUTPUTS), -1 or +1."""
    registers = range(2 * STATES)
    parity = [[(register & g).bit_count() & 1 for g in GENERATORS] for register in registers]
    return 1.0 - 2.0 * np.array(parity, np.float32)


_OUTPUT_TABLE = _output_table()


def encode(bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Code symbols of `bits`.

    Args:
        bits: uint8, shape (n,), n >= 8.

    Returns:
        float32, shape (3 * n,), values -1 (a set bit) and +1.
    """
    state = 0
    for bit in bits[-(CONSTRAINT_LENGTH - 1) :]:
        state = (int(bit) << (CONSTRAINT_LENGTH - 2)) | (state >> 1)
    symbols = np.empty((len(bits), OUTPUTS), np.float32)
    for i, bit in enumerate(bits):
        register = (int(bit) << (CONSTRAINT_LENGTH - 1)) | state
        symbols[i] = _OUTPUT_TABLE[register]
        state = register >> 1
    return symbols.ravel()


def decode_list(soft: NDArray[np.float32], size: int = LIST_SIZE) -> NDArray[np.uint8]:
    """The most likely messages behind noisy symbols.

    Args:
        soft: float32, shape (3 * n,); log-likelihood-like values, positive where +1 was sent.
        size: paths to examine; those that do not bite their tail are dropped.

    Returns:
        uint8, shape (m, n), m <= size, most likely first.
    """
    received = np.ascontiguousarray(soft, np.float32).reshape(-1, OUTPUTS)
    paths, count = _list_viterbi(received, _OUTPUT_TABLE, size)
    return paths[:count]


@compiled
def _advance(
    metric: NDArray[np.float32],
    symbols: NDArray[np.float32],
    table: NDArray[np.float32],
    choice: NDArray[np.uint8],
    loss: NDArray[np.float32],
) -> NDArray[np.float32]:
    """One trellis step: new path metrics; fills `choice` and `loss` (shape (STATES,) each)."""
    states = len(metric)
    after = np.empty_like(metric)
    for state in range(states):
        top = (state >> 7) << 8
        first = (state << 1) & (states - 1)
        a = metric[first]
        b = metric[first | 1]
        for output in range(len(symbols)):
            a += symbols[output] * table[top | first, output]
            b += symbols[output] * table[top | first | 1, output]
        if b > a:
            after[state], choice[state], loss[state] = b, 1, b - a
        else:
            after[state], choice[state], loss[state] = a, 0, a - b
    return after


@compiled
def _push(
    heap: NDArray[np.float32], slots: NDArray[np.int32], count: int, key: float, slot: int
) -> int:
    """Insert into a binary min-heap; returns the new size."""
    i = count
    while i > 0 and heap[(i - 1) // 2] > key:
        heap[i], slots[i] = heap[(i - 1) // 2], slots[(i - 1) // 2]
        i = (i - 1) // 2
    heap[i], slots[i] = key, slot
    return count + 1


@compiled
def _pop(heap: NDArray[np.float32], slots: NDArray[np.int32], count: int) -> int:
    """Remove the smallest element; returns its slot. The caller lowers the size by one."""
    result = slots[0]
    key, slot = heap[count - 1], slots[count - 1]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= count - 1:
            break
        if child + 1 < count - 1 and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[i], slots[i] = heap[child], slots[child]
        i = child
    heap[i], slots[i] = key, slot
    return int(result)


@compiled
def _list_viterbi(
    received: NDArray[np.float32], table: NDArray[np.float32], size: int
) -> tuple[NDArray[np.uint8], int]:
    """Best tail-biting paths, shape (size, steps), and how many there are."""
    steps = len(received)
    states = len(table) // 2
    choice = np.empty((steps, states), np.uint8)
    loss = np.empty((steps, states), np.float32)
    metric = np.zeros(states, np.float32)
    for _ in range(2):
        metric -= metric.max()
        for t in range(steps):
            metric = _advance(metric, received[t], table, choice[t], loss[t])
    capacity = states + size * steps
    heap, slots = np.empty(capacity, np.float32), np.empty(capacity, np.int32)
    cost = np.empty(capacity, np.float32)  # loss against the best path
    parent = np.full(capacity, -1, np.int32)  # path that this one leaves
    leaves = np.full(capacity, steps, np.int32)  # step at which it leaves
    walks = np.empty((size, steps + 1), np.int16)  # states of the paths taken out so far
    best = metric.max()
    count = 0
    for state in range(states):
        cost[state] = best - metric[state]
        count = _push(heap, slots, count, cost[state], state)
    used = states
    messages = np.empty((size, steps), np.uint8)
    found = 0
    for taken in range(size):
        slot = _pop(heap, slots, count)
        count -= 1
        walk = walks[taken]
        split = leaves[slot]
        if parent[slot] < 0:
            walk[steps] = slot
        else:
            walk[split + 1 :] = walks[parent[slot], split + 1 :]
        for t in range(steps - 1, -1, -1):
            if t <= split:
                state = walk[t + 1]
                turn = choice[t, state] ^ (1 if t == split else 0)
                walk[t] = ((state << 1) & (states - 1)) | turn
            if t < split:
                cost[used] = cost[slot] + loss[t, walk[t + 1]]
                parent[used], leaves[used] = taken, t
                count = _push(heap, slots, count, cost[used], used)
                used += 1
        if walk[0] == walk[steps]:
            for t in range(steps):
                messages[found, t] = walk[t + 1] >> 7
            found += 1
    return messages, found
