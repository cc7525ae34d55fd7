"""The tables of the store, as migrations in order: what was released is never edited, a change is one more of them."""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "MIGRATIONS"]

APPLICATION_ID = 0x4F4C5253
"""Marks a database as a store of this package ("OLRS")."""

_FIRST = """
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    began_utc TEXT NOT NULL,
    finished_utc TEXT,
    software TEXT NOT NULL,
    study_protocol_sha256 TEXT NOT NULL,
    protocol_sha256 TEXT NOT NULL,
    model_name TEXT NOT NULL,
    model_version TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    lock_sha256 TEXT,
    settings TEXT NOT NULL
);

CREATE TABLE photos (
    photo INTEGER PRIMARY KEY,
    place TEXT NOT NULL,
    photo_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    position INTEGER NOT NULL,
    listed INTEGER NOT NULL CHECK (listed IN (0, 1)),
    UNIQUE (place, photo_id)
);
CREATE INDEX photos_in_order ON photos (position);

CREATE TABLE outcomes (
    outcome INTEGER PRIMARY KEY,
    photo INTEGER NOT NULL REFERENCES photos,
    run INTEGER NOT NULL REFERENCES runs,
    current INTEGER NOT NULL DEFAULT 1 CHECK (current IN (0, 1)),
    supersedes INTEGER REFERENCES outcomes,
    visit_date TEXT,
    mirror TEXT NOT NULL,
    declared_flags TEXT NOT NULL,
    detail TEXT NOT NULL,
    threshold REAL,
    segmenter_sha256 TEXT NOT NULL,
    cpu_s REAL NOT NULL,
    file TEXT NOT NULL,
    subject TEXT NOT NULL,
    visit TEXT NOT NULL,
    site TEXT,
    replicate INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('scored', 'refused')),
    reason TEXT,
    observed REAL,
    "limit" REAL,
    unit TEXT,
    erosion_area_mm2 REAL,
    u_area_mm2 REAL,
    u_scale_mm2 REAL,
    u_boundary_mm2 REAL,
    u_reason TEXT,
    smallest_counted_mm2 REAL,
    lesion_count INTEGER,
    largest_lesion_mm2 REAL,
    mm_per_px REAL,
    u_mm_per_px REAL,
    tilt_deg REAL,
    card TEXT,
    delta_e00_mean REAL,
    delta_e00_median REAL,
    delta_e00_max REAL,
    flags TEXT NOT NULL,
    model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    protocol_sha256 TEXT NOT NULL,
    CHECK ((status = 'refused') = (reason IS NOT NULL)),
    CHECK ((status = 'scored') = (erosion_area_mm2 IS NOT NULL))
);
CREATE UNIQUE INDEX one_current_outcome ON outcomes (photo) WHERE current = 1;
CREATE INDEX outcomes_of_photo ON outcomes (photo);

CREATE TABLE lesions (
    outcome INTEGER NOT NULL REFERENCES outcomes,
    lesion INTEGER NOT NULL,
    area_mm2 REAL,
    perimeter_mm REAL,
    centroid_row_px REAL,
    centroid_column_px REAL,
    equivalent_diameter_mm REAL,
    flags TEXT NOT NULL,
    PRIMARY KEY (outcome, lesion)
) WITHOUT ROWID;

CREATE TABLE quality (
    outcome INTEGER PRIMARY KEY REFERENCES outcomes,
    nearest_limit TEXT,
    nearest_limit_used_percent REAL,
    card_blur_mm REAL,
    card_blur_pitch_percent REAL,
    motion_blur_mm REAL,
    motion_direction_deg REAL,
    blur_anisotropy_ratio REAL,
    tissue_blur_mm REAL,
    tissue_clipped_red_percent REAL,
    tissue_clipped_green_percent REAL,
    tissue_clipped_blue_percent REAL,
    tissue_glare_percent REAL,
    card_share_percent REAL,
    tilt_deg REAL,
    tilt_azimuth_deg REAL,
    px_per_mm REAL,
    working_distance_mm REAL,
    u_scale_percent REAL,
    jpeg_quality INTEGER,
    accepted_patches INTEGER,
    held_out_delta_e00_mean REAL,
    held_out_delta_e00_median REAL,
    held_out_delta_e00_max REAL
);

CREATE TABLE colours (
    outcome INTEGER NOT NULL REFERENCES outcomes,
    position INTEGER NOT NULL,
    patch TEXT NOT NULL,
    held_out_delta_e00 REAL,
    accepted INTEGER,
    clipped_percent REAL,
    linear_red REAL,
    linear_green REAL,
    linear_blue REAL,
    PRIMARY KEY (outcome, position)
) WITHOUT ROWID;

CREATE TABLE reads (
    read INTEGER PRIMARY KEY,
    photo INTEGER NOT NULL REFERENCES photos,
    outcome INTEGER REFERENCES outcomes,
    current INTEGER NOT NULL DEFAULT 1 CHECK (current IN (0, 1)),
    supersedes INTEGER REFERENCES reads,
    reading_id TEXT NOT NULL,
    reader TEXT NOT NULL CHECK (reader <> ''),
    round TEXT NOT NULL CHECK (round IN ('read', 'repeat', 'adjudication')),
    automatic_area_mm2 REAL,
    automatic_u_area_mm2 REAL,
    corrected_area_mm2 REAL,
    corrected_u_scale_mm2 REAL,
    corrected_u_boundary_mm2 REAL,
    mask_file TEXT,
    mask_sha256 TEXT,
    read_utc TEXT NOT NULL,
    reason TEXT NOT NULL,
    CHECK (corrected_area_mm2 IS NOT NULL OR reason <> '')
);
CREATE UNIQUE INDEX one_current_read ON reads (photo, reader, round) WHERE current = 1;

CREATE TABLE events (
    log_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    utc TEXT NOT NULL,
    action TEXT NOT NULL,
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (log_id, sequence)
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST,)
"""SQL that leads from one version to the next; the version of a store is how many of them it has seen."""
