import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import path from 'path';

interface GreetRequest {
  name: string;
}

interface GreetReply {
  text: string;
}

const definition = grpc.loadPackageDefinition(loadSync(path.join(__dirname, 'greeter.proto')));
const { Greeter: Service } = definition.greeter as unknown as { Greeter: grpc.ServiceClientConstructor };

export class Greeter {
  private readonly server = new grpc.Server();

  constructor(private readonly greeting: string) {
    this.server.addService(Service.service, {
      greet: (call: grpc.ServerUnaryCall<GreetRequest, GreetReply>, callback: grpc.sendUnaryData<GreetReply>) => {
        callback(null, { text: `${this.greeting}, ${call.request.name}` });
      },
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
  }

  close(): void {
    this.server.forceShutdown();
  }
}

export class Client {
  private readonly client: grpc.Client;

  constructor(port: number) {
    this.client = new Service(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  }

  greet(name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      (this.client as any).greet({ name }, (error: grpc.ServiceError | null, reply: GreetReply) => {
        if (error) reject(error);
        else resolve(reply.text);
      });
    });
  }

  close(): void {
    this.client.close();
  }
}
