import http from 'node:http';

http.createServer((_, answer) => answer.end('an empty cart\n')).listen(8080);
