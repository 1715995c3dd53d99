#!/bin/bash
# The three roles and the database, once, on a PostgreSQL of your own: run as a superuser (psql finds the server by
# the usual PG… variables). OWNER_PASSWORD and RUNTIME_PASSWORD must be set.
set -euo pipefail

psql --username "${POSTGRES_USER:-postgres}" --dbname postgres --set ON_ERROR_STOP=1 \
     --set owner_password="$OWNER_PASSWORD" --set runtime_password="$RUNTIME_PASSWORD" <<'SQL'
CREATE ROLE portal_resolver NOLOGIN;
CREATE ROLE portal_runtime LOGIN PASSWORD :'runtime_password';
CREATE ROLE portal_owner LOGIN BYPASSRLS CREATEDB PASSWORD :'owner_password';
GRANT portal_resolver TO portal_owner WITH ADMIN OPTION;
CREATE DATABASE portal OWNER portal_owner TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8';
SQL
