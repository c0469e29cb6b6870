"""grpc_app.py serve PORT: a gRPC server; grpc_app.py call HOST:PORT METHOD...: calls it, a line of JSON for each.

The methods carry the request's id as a query, which no gRPC server would mind: /lab.Echo/Ok?id=...
"""
import json
import os
import signal
import sys
import time
from concurrent import futures

import grpc


def same(data):
    return data


def unary(request, context):
    method = context.method
    with open("backend-access.log", "a") as f:
        f.write("%.3f %s\n" % (time.time(), method))
    if "/Slow" in method:
        time.sleep(4)
    elif "/Die" in method:
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL)
    elif "/NotFound" in method:
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
    return request


def stream(request, context):
    for _ in range(5):
        yield request
        time.sleep(0.1)


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        if "/Stream" in details.method:
            return grpc.unary_stream_rpc_method_handler(stream, same, same)

        def handler(request, context):
            context.method = details.method
            return unary(request, context)

        return grpc.unary_unary_rpc_method_handler(handler, same, same)


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Echo()])
    server.add_insecure_port("0.0.0.0:%s" % port)
    server.start()
    server.wait_for_termination()


def call(where, methods):
    with grpc.insecure_channel(where, [("grpc.enable_retries", 0)]) as channel:
        for method in methods:
            begun, code = time.time(), "OK"
            try:
                if "/Stream" in method:
                    list(channel.unary_stream(method, same, same)(b"hello", timeout=20))
                else:
                    channel.unary_unary(method, same, same)(b"hello", timeout=20)
            except grpc.RpcError as e:
                code = e.code().name
            print(json.dumps({"method": method, "sent": begun, "took": time.time() - begun, "code": code}), flush=True)


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    call(sys.argv[2], sys.argv[3:])
