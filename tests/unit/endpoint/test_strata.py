"""subjects.csv: the protocol's strata, and never the treatment."""

import re

import pytest

from oral_lesion.endpoint import read_strata_header, tells_treatment
from oral_lesion.errors import SettingsError

TELLING = re.findall(
    r"\S+",
    """
ARM ARMCD ACTARM ACTARMCD ARMNRS ACTARMUD PLANNEDARM TRT01P TRT01A TRT01PN TRTP TRTA TRTPN TRTSEQP TRTGRP
TR01PG1 TR01AG1 DOSE01P EXTRT EXDOSE EXKIT arm Arm2 study_arm treatment Treatment-Group treated trt group GROUP group_1
studyGroup randomisation randomization_number randno allocation blinding unblinded placebo verum drug_code dose dosage
kit kit_no cohort therapy intervention regimen medication
Behandlung Behandlungsgruppe Gruppe Therapie Studienarm Dosis Medikament Zuteilung Randomisierung Kohorte
traitement groupe bras dose médicament tratamiento brazo grupo trattamento braccio gruppo tratamento braço
группа лечение препарат 治疗组 组别 分组 随机号 药物 剂量 安慰剂 试验组 对照组 盲底
投与群 割付 群 プラセボ 치료군 배정 위약
""",
)
HARMLESS = re.findall(
    r"\S+",
    """
centre center site_number country sex age age_group AgeGroup blood_group Altersgruppe pemphigus_type mucocutaneous
disease_duration baseline_pdai smoker ethnicity 中心 性别 年龄 army charm alarm
""",
)


@pytest.mark.parametrize("column", TELLING)
def test_columns_that_tell_the_treatment(column):
    assert tells_treatment(column)
    assert tells_treatment(f" {column.lower()} ")


@pytest.mark.parametrize("column", HARMLESS)
def test_columns_that_do_not(column):
    assert not tells_treatment(column)


def test_where_the_columns_stand():
    header = ["\ufeffSubject", "Centre", "pemphigus type"]
    assert read_strata_header(header, ["pemphigus_type", "centre"], source="subjects.csv") == {
        "subject": 0,
        "pemphigus_type": 2,
        "centre": 1,
    }


def test_all_faults_at_once():
    header = ["subject", "ARMCD", "centre", "centre", "shoe_size", "Gruppe"]
    with pytest.raises(SettingsError) as caught:
        read_strata_header(header, ["centre", "pemphigus_type"], source="subjects.csv")
    faults = {fault.key: fault.message for fault in caught.value.faults}
    assert set(faults) == {
        "column 'ARMCD'",
        "column 'Gruppe'",
        "column 'shoe_size'",
        "column 'centre'",
        "column 'pemphigus_type'",
    }
    assert "after unblinding" in faults["column 'ARMCD'"]
    assert faults["column 'centre'"] == "comes 2 times"
    assert faults["column 'pemphigus_type'"] == "is missing"


def test_a_protocol_cannot_let_the_treatment_in():
    with pytest.raises(SettingsError, match="unblinding"):
        read_strata_header(["subject", "arm"], ["arm"], source="subjects.csv")
