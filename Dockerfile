# An image with the program alone. docs/install.md says how to run it.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN rustup target add wasm32-unknown-unknown
RUN cargo build --release --locked -p reprieve-cli && strip target/release/reprieve
RUN mkdir /work

# The C library and what it needs: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/target/release/reprieve /usr/local/bin/reprieve
COPY --from=build /source/LICENSE-APACHE /source/LICENSE-MIT /usr/share/doc/reprieve/
# A volume that is mounted here begins as this folder, which the program can write to.
COPY --from=build --chown=nonroot:nonroot /work /work
USER nonroot
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/reprieve"]
CMD ["--help"]
