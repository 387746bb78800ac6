# The reference backend alone: Node runs its TypeScript as it is, so there is nothing to build.
#   docker build -t capstan-backend .        then compose.yaml, or
#   docker run -p 4800:4800 -v backend:/data capstan-backend
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Electron's download and the graphics cards' parts of onnxruntime are not for a server; native modules come prebuilt.
ENV ELECTRON_SKIP_BINARY_DOWNLOAD=1 ONNXRUNTIME_NODE_INSTALL=skip
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
# For `capstan backend backup` and `restore` on PostgreSQL; tar is there.
RUN apt-get update -qq \
  && apt-get install -y -qq --no-install-recommends postgresql-client \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY resources ./resources
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4800
ENV NODE_ENV=production CAPSTAN_LOG=info
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4800/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the process that gets the signals.
ENTRYPOINT ["node", "src/cli/capstan.ts", "backend"]
CMD ["--data", "/data", "--host", "0.0.0.0", "--port", "4800"]
