# What deploy/compose.yaml takes from others, made of Debian's packages where no registry is reached.
# Each stage understands as much of the original's settings as the stack uses.
ARG BASE
FROM ${BASE} AS packages
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
      postgresql prometheus prometheus-alertmanager >/dev/null \
 && rm -rf /var/lib/apt/lists/*

FROM packages AS prometheus
RUN mkdir /prometheus
ENTRYPOINT ["prometheus"]

FROM packages AS alertmanager
RUN mkdir /alertmanager
ENTRYPOINT ["prometheus-alertmanager", "--cluster.listen-address="]

FROM packages AS postgresql
COPY postgresql.sh /postgresql.sh
RUN mkdir -p /var/lib/postgresql/data && chown postgres: /var/lib/postgresql/data
USER postgres
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "/postgresql.sh"]
