// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { MessagePlace } from './bounded-read.ts'
export type { KafkaClient } from './client-choice.ts'
export type { KafkaConnectionOptions, KafkaLogEntry } from './connection-options.ts'
export type { DeadLetter, DeadLetterOrigin } from './dead-letter.ts'
export type { MalformedMessage } from './dead-letter-message.ts'
export { kafkaSink } from './kafka-sink.ts'
export type { KafkaSource, SourceCounts } from './kafka-source.ts'
export { kafkaSource } from './kafka-source.ts'
export type { DeadLetterOptions } from './read-dead-letters.ts'
export { readDeadLetters } from './read-dead-letters.ts'
export type { Replay, ReplayOutcome, ReplaySelection } from './replay-dead-letters.ts'
export { replayDeadLetters } from './replay-dead-letters.ts'
export type { KafkaSinkOptions, UndeliverableMessage } from './sink-options.ts'
export type { Fork, KafkaSourceOptions, ReplayPlace } from './source-options.ts'
export type { TopicNames } from './topic-names.ts'
export { topicNames } from './topic-names.ts'
export type { CreatedTopics, TopicOptions, TopicProblem } from './topics.ts'
export { checkTopics, createTopics } from './topics.ts'
export type {
  Compression,
  KafkaTransport,
  SendRequest,
  SendResult,
  TransportFault,
  TransportRecord,
} from './transport.ts'
