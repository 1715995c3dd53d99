"""How much may be handed over. What one link may hold in all: `EXCHANGE_MOST_BYTES` of the settings."""

MEGABYTE = 1 << 20

# What the database keeps without noticing (docs/decisions/0009).
MOST_BYTES = 20 * MEGABYTE
MOST_AT_ONCE = 10
# The parts of a document of text, which are its pages' pictures mostly.
MOST_PARTS = 5_000
PIECE = MEGABYTE
