# SPDX-FileCopyrightText: The spanseal authors
# SPDX-License-Identifier: Apache-2.0
#
# The spanseal command in an image: as a sidecar it ships the journal that an agent writes.
#
#   docker build --tag spanseal .
#   docker run --rm --user 1000:1000 --volume audit:/audit \
#     --env KAFKA_BROKERS=kafka-1:9092,kafka-2:9092 spanseal
#
# docs/production.md says how volumes, users and signals have to be.

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN node bootstrap.mjs build \
 && mkdir /packed \
 && npm pack --pack-destination /packed \
      ./packages/core ./packages/keys ./packages/journal ./packages/kafka \
      ./packages/transparency ./packages/verifier ./packages/cli \
 && npm install --prefix /app --omit=dev --no-audit --no-fund /packed/*.tgz @platformatic/kafka@^2.12.1

FROM node:24-bookworm-slim
COPY --from=build /app/node_modules /app/node_modules
ENV NODE_ENV=production PATH=/app/node_modules/.bin:$PATH
# A new volume takes over owner and mode of the folder it is mounted on. Journals are readable by
# their owner only: run with the agent's user id.
RUN install -d -o node -g node -m 0700 /audit
USER node
VOLUME /audit
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s CMD ["spanseal", "status", "/audit", "--check"]
ENTRYPOINT ["spanseal"]
CMD ["ship", "/audit", "--watch"]
