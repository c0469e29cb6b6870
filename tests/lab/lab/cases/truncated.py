"""Truncated."""
from . import case

TR = "truncated_response"
case("trunc-nginx-node", "faulty", "nginx", "node", params=dict(steps=[dict(path="/truncate", cause=TR, n=2), dict(path="/truncrst", cause=TR, n=2), dict(path="/chunktrunc", cause=TR, n=2), dict(path="/headtrunc", cause=TR, n=2, method="POST")]))
case("trunc-apache-tomcat", "faulty", "apache", "tomcat", params=dict(steps=[dict(path="/truncate", cause=TR, n=3)]))
case("trunc-goproxy-hypercorn", "faulty", "go", "hypercorn", params=dict(steps=[dict(path="/truncate", cause=TR, n=2), dict(path="/chunktrunc", cause=TR, n=2)]))
