"""get PORT PATH: one HTTP request to 127.0.0.1; prints the status and the body."""
import http.client, sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
connection.request("GET", sys.argv[2])
response = connection.getresponse()
sys.stdout.write("%d\n" % response.status)
sys.stdout.flush()
sys.stdout.buffer.write(response.read())
