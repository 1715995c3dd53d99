"""Safe reading and writing of workbooks. Knows no model, needs no database.

Reading, in two steps, each in a confined child process (see `docs` of `child`):

    from spreadsheets.reading import list_sheets, read_sheet
    from spreadsheets.headers import guess_header, guess_sheet, match_headers

    workbook = list_sheets(content)                   # bytes, or a path; raises Refused
    sheet = guess_sheet(workbook.sheets, SYNONYMS)    # or the one a person chose: workbook.sheets[n]
    header = guess_header([row.cells for row in sheet.preview], SYNONYMS)
    columns = match_headers(header.cells, SYNONYMS, together={"last_name": "first_name"}).fields
    first = sheet.preview[header.index].number        # rows numbered higher hold the data
    with read_sheet(content, sheet.index) as reading:
        for chunk in reading:                         # ≤ 4,000 rows: .numbers, .column(c), .kind(c)
            ...                                       # may raise Refused: then nothing read so far counts
    reading.notes                                     # what the reader noticed, for the report

- `reading.list_sheets(source) -> WorkbookInfo`, `reading.read_sheet(source, sheet=0) -> SheetReading`
- `guard.recognise(content) -> Format`: quick look at the file's signature and table of contents, for the
upload view;
  `guard.inspect(content) -> Format` also inflates it (the child does this by itself).
- `refusals.Refused`: `code` and `params`, both storable as JSON. `messages.describe(code, params) -> str`
words a
  refusal or a `Note` in the active language.
- `headers.guess_sheet`, `guess_header`, `header_cells`, `match_headers`; `text.fold` compares words as
people do.
- `writing.write_workbook(target, headers, rows, *, sheet_name)`, `writing.write_template(target, columns,
notice, …)`.
- `cells.Kind`: how the file held a cell. Numbers come out as people type them (`73282932000074`), dates as
ISO dates,
  booleans as TRUE or FALSE, error values and formulas without a result as empty with a note.

What is read: xlsx (also Strict, also without macros under .xlsm), xls, ods, csv and its relatives, HTML
tables and XML Spreadsheet 2003, each under any name. What is refused, and the limits: `limits`,
`messages.REFUSALS`.
"""
