#!/usr/bin/env python3
"""Writes lines of load balancers that no laboratory has, in the format that their makers document,
from what is known of the requests in haproxy/: when each came, when it was sent on, what came of it.

    ./documented.py          writes alb.log, clb.log and traefik.log into haproxy/
"""

import datetime
import json
import pathlib

HERE = pathlib.Path(__file__).parent / "haproxy"
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop/73e2d6bc24d8a067"


def utc(seconds, digits=6):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + ("%.9f" % (seconds % 1))[2:][:digits] + "Z"


truth = json.loads((HERE / "truth.json").read_text())
alb, clb, traefik = [], [], []
for number, request in enumerate(truth["requests"]):
    sent, latency, status = request["sent"], request["latency"], request["status"]
    dispatch = request["attempts"][0]["sent"] - sent
    cut = request["cause"] not in (None, "backend_error_status", "truncated_response")
    waited = latency - dispatch
    target = "%.3f" % waited
    if request["cause"] == "backend_slow":
        # What is documented for a target that does not answer before the idle timeout.
        times, answered = "-1 -1 -1", "-"
    elif cut:
        times, answered = "%.3f %s -1" % (dispatch, target), "-"
    else:
        times, answered = "%.3f %s 0.000" % (dispatch, target), str(status)
    line = "%s %s 10.77.2.2:3000 %s %s %s 120 250 \"%s http://lab.example:80%s HTTP/1.1\" \"-\" - -"
    common = line % ("app/shop/50dc6c495c0c9188", "10.77.1.2:33406", times, status, answered,
                     request["method"], request["path"])
    alb.append("http %s %s %s \"Root=1-%08x-%024x\" \"-\" \"-\" 0 %s \"forward\" \"-\" \"-\" "
               "\"10.77.2.2:3000\" \"%s\" \"-\" \"-\" TID_%032x \"-\" \"-\" \"-\"\n"
               % (utc(sent + latency), common, ARN, int(sent), number, utc(sent), answered, number))
    clb.append("%s %s\n" % (utc(sent + latency), common.replace("app/shop/50dc6c495c0c9188", "shop")))
    traefik.append(json.dumps({
        "ClientAddr": "10.77.1.2:33406", "ClientHost": "10.77.1.2", "ClientPort": "33406",
        "DownstreamContentSize": 27, "DownstreamStatus": status, "Duration": int(latency * 1e9),
        "OriginDuration": int(waited * 1e9), "OriginStatus": status, "Overhead": int(dispatch * 1e9),
        "RequestAddr": "lab.example", "RequestContentSize": 0, "RequestCount": number + 1,
        "RequestHost": "lab.example", "RequestMethod": request["method"],
        "RequestPath": request["path"], "RequestPort": "-", "RequestProtocol": "HTTP/1.1",
        "RequestScheme": "http", "RetryAttempts": 0, "RouterName": "shop@file",
        "ServiceAddr": "10.77.2.2:3000", "ServiceName": "shop@file",
        "ServiceURL": "http://10.77.2.2:3000", "StartLocal": utc(sent, 9), "StartUTC": utc(sent, 9),
        "entryPointName": "web", "level": "info", "msg": "", "time": utc(sent + latency, 0)[:19] + "Z",
    }, separators=(",", ":")) + "\n")
for name, lines in (("alb", alb), ("clb", clb), ("traefik", traefik)):
    (HERE / (name + ".log")).write_text("".join(lines))
