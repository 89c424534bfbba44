import http from 'node:http';

http.createServer((_, answer) => answer.end('no orders yet\n')).listen(8080);
