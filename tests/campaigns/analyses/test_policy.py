"""`analyse policy`: a log and a candidate in, three values and a verdict out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from tests.campaigns.ml.logs import Shop

OPEN_BANDIT = Path(__file__).resolve().parents[4] / "shared/data/open_bandit"
LOG = "decision,action,propensity,reward\n1,a,.5,1\n2,b,.5,0\n"
CANDIDATE = "decision,action,probability\n1,a,.8\n1,b,.2\n2,a,.8\n2,b,.2\n"


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(log=LOG, candidate=CANDIDATE):
        paths = tmp_path / "log.csv", tmp_path / "candidate.csv"
        for path, text in zip(paths, (log, candidate), strict=True):
            path.write_text(text, encoding="utf-8")
        call_command("analyse", "policy", f"--log={paths[0]}", f"--candidate={paths[1]}")
        return json.loads(capsys.readouterr().out.strip().splitlines()[-1])

    return run


def tables(size=3_000, *, per_customer=1):
    """The log of a shop, its better policy, and the true value of that."""
    shop = Shop(2)
    log = shop.log(size, 0, per_customer=per_customer)
    table = pd.DataFrame(log.contexts, columns=[f"x{at}" for at in range(5)]).assign(
        decision=range(size), action=[f"offer {a}" for a in log.actions],
        propensity=log.propensities, reward=log.rewards, customer=log.customers,
    )  # fmt: skip
    chances = shop.better(log.contexts)
    candidate = pd.DataFrame(
        {
            "decision": np.repeat(np.arange(size), 6),
            "action": [f"offer {a}" for a in range(6)] * size,
            "probability": chances.ravel().round(6),
        }
    )
    return table, candidate.sample(frac=1, random_state=0), shop.value(shop.better)


def test_a_better_policy_is_found_and_its_value_is_in_the_interval(analyse):
    log, candidate, true = tables()
    found = analyse(log.to_csv(index=False), candidate.to_csv(index=False))
    for name in ("ips", "snips", "dr"):
        assert set(found[name]) == {"value", "lower", "upper", "effective_sample_size"}
        assert found[name]["lower"] < true < found[name]["upper"]
    assert found["verdict"] == "promote"
    assert found["mean_weight"] == pytest.approx(1.0, abs=0.1)
    assert found["unsupported_mass"] == 0


def test_decisions_of_one_customer_widen_the_interval(analyse):
    log, candidate, _ = tables(per_customer=6)
    text = candidate.to_csv(index=False)
    known = analyse(log.to_csv(index=False), text)["dr"]
    unknown = analyse(log.drop(columns="customer").to_csv(index=False), text)["dr"]
    assert known["upper"] - known["lower"] > 1.2 * (unknown["upper"] - unknown["lower"])


def test_context_of_words_blanks_and_constants_is_used(analyse):
    log, candidate, true = tables()
    log["x0"] = np.where(log["x0"] > 0.5, "high", np.where(log["x0"] < -0.5, "low", ""))
    log.loc[::7, "x1"] = np.nan
    log["one"] = 1
    report = analyse(log.to_csv(index=False), candidate.to_csv(index=False))
    found = report["dr"]
    assert found["lower"] < true < found["upper"]
    assert report["context_left_out"] == {"one": "the same in every row"}


def test_figures_by_hand(analyse):
    found = analyse()
    assert found["ips"]["value"] == pytest.approx(0.8)
    assert found["effective_sample_size"] == pytest.approx(4 / (1.6**2 + 0.4**2), abs=1e-3)
    assert found["incumbent"]["value"] == 0.5
    assert found["verdict"] == "insufficient support"


def test_an_action_the_log_never_has_is_named(analyse):
    found = analyse(candidate=CANDIDATE.replace("2,b,.2", "2,new,.2"))
    assert found["unsupported_mass"] == pytest.approx(0.1)
    assert found["untried_actions"] == ["new"]
    assert found["verdict"] == "insufficient support"


def test_decisions_of_the_candidate_that_were_never_made_are_counted(analyse):
    assert analyse(candidate=CANDIDATE + "3,a,1\n")["candidate_decisions_not_in_log"] == 1


def test_where_nothing_of_the_log_would_be_chosen_there_is_no_value(analyse):
    found = analyse(candidate="decision,action,probability\n1,b,1\n2,a,1\n")
    assert found["snips"]["lower"] is None
    assert found["effective_sample_size"] == 0


@pytest.mark.skipif(not OPEN_BANDIT.exists(), reason="no ../shared/data")
def test_the_open_bandit_sample_is_too_thin_to_say(analyse):
    """Thompson's log judged for a uniform policy: a few unlikely choices carry all the weight."""
    table = pd.read_csv(OPEN_BANDIT / "bts_all.csv.gz")
    items = sorted(table["item_id"].unique())
    log = table.rename(
        columns={"item_id": "action", "propensity_score": "propensity", "click": "reward"}
    )
    log = log.drop(columns="timestamp").assign(decision=range(len(log)))
    candidate = pd.DataFrame(
        {
            "decision": np.repeat(np.arange(len(log)), len(items)),
            "action": np.tile(items, len(log)),
            "probability": 1 / len(items),
        }
    )
    found = analyse(log.to_csv(index=False), candidate.to_csv(index=False))
    assert found["effective_sample_size"] < 500
    assert found["verdict"] == "insufficient support"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("decision,action,reward\n1,a,1\n", "log.csv: column propensity is missing"),
        ("", "not a CSV table"),
        ("decision,action,propensity,reward\n", "it has no decisions"),
        (LOG.replace("1,a,.5,1", "1,a,0,1"), "column propensity, line 2: '0.0'"),
        (LOG.replace("2,b,.5,0", "2,b,1.5,0"), "column propensity, line 3: '1.5'"),
        (LOG.replace("2,b,.5,0", "2,b,NaN,0"), "column propensity, line 3: 'NaN' is not a number"),
        (LOG.replace("2,b,.5,0", "2,b,.5,"), "column reward, line 3: ''"),
        (LOG.replace("2,b", "1,b"), "column decision, line 3: '1': it was there before"),
        (LOG.replace("2,b", "2,"), "column action, line 3: '': it is blank"),
    ],
)
def test_what_is_wrong_with_a_log_is_named(analyse, log, said):
    with pytest.raises(CommandError) as refusal:
        analyse(log=log)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        ("decision,action\n1,a\n", "candidate.csv: column probability is missing"),
        ("decision,action,probability\n", "it has no rows"),
        (CANDIDATE.replace("1,b,.2", "1,b,.3"), "decision '1' adds up to 1.1, not to 1"),
        (CANDIDATE.replace("1,b,.2", "1,a,.2"), "line 3: 'a': this decision has it twice"),
        (CANDIDATE.replace("1,b,.2", "1,b,-.2"), "column probability, line 3: '-0.2'"),
        (CANDIDATE.replace("1,b,.2", "1,b,x"), "column probability, line 3: 'x' is not a number"),
        ("decision,action,probability\n1,a,1\n", "'2' of the log is missing"),
    ],
)
def test_what_is_wrong_with_a_candidate_is_named(analyse, candidate, said):
    with pytest.raises(CommandError) as refusal:
        analyse(candidate=candidate)
    assert said in str(refusal.value)
