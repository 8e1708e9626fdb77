# SPDX-FileCopyrightText: The spanseal authors
# SPDX-License-Identifier: Apache-2.0
"""The contract of the topic audit.records.v1, without a line of spanseal's own code.

    pip install -r requirements.txt
    python consumer.py localhost:9092

key      the epoch: all records of one epoch are in one partition, in order, perhaps twice
headers  help to route; nothing vouches for them, so only the value counts
value    one record: JSON whose exact bytes are hashed; never parse and write it again
chain    chain.prev is the leaf hash of the epoch's record before: SHA-256(0x00 || its value)
"""
import hashlib
import json
import sys

from kafka import KafkaConsumer, TopicPartition

servers = sys.argv[1] if len(sys.argv) > 1 else "localhost:9092"
topic = (sys.argv[2] if len(sys.argv) > 2 else "") + "audit.records.v1"
consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or []]
consumer.assign(partitions)
consumer.seek_to_beginning()
ends = consumer.end_offsets(partitions)
last = {}  # epoch -> (seq, leaf) of its last record
records = broken = 0
while any(consumer.position(p) < ends[p] for p in partitions):
    for message in (m for batch in consumer.poll(1000).values() for m in batch):
        try:
            record = json.loads(message.value)
            epoch, seq, prev = (record["chain"][name] for name in ("epoch", "seq", "prev"))
        except (ValueError, TypeError, KeyError) as error:  # anybody with the right may write
            print(f"no record at {message.partition}/{message.offset}: {error!r}", file=sys.stderr)
            continue
        leaf = hashlib.sha256(b"\x00" + message.value).hexdigest()
        seq_before, leaf_before = last.get(epoch, (-1, "0" * 64))
        if seq <= seq_before:
            continue  # delivered twice
        ok = seq == seq_before + 1 and prev == leaf_before
        last[epoch] = (seq, leaf)
        records, broken = records + 1, broken + (not ok)
        headers = {name: value.decode() for name, value in message.headers}
        print("ok    " if ok else "BROKEN", message.key.decode(), seq, record["time"]["at"],
              ascii(record["type"]), headers.get("traceparent", "-"))
print(f"{records} records in {len(last)} epochs, {broken} broken links")
sys.exit(1 if broken or not records else 0)
