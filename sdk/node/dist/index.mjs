var __defProp=Object.defineProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})};var FLAG="--expose-internals",flagged=!1;function hideInternalsFlag(){let at=process.execArgv.indexOf(FLAG);at<0||(flagged=!0,process.execArgv.splice(at,1))}function blockOnPipes(){for(let name of["stdout","stderr"]){let native=Object.getOwnPropertyDescriptor(process,name),get=native?.get;!native?.configurable||!get||
Object.defineProperty(process,name,{...native,get(){Object.defineProperty(process,name,native);let stream=get.call(process);return stream._type==="pipe"&&stream.
_handle?.setBlocking?.(!0),stream}})}}function readPlan(text){if(!text)return;let value;try{value=JSON.parse(text)}catch{return}if(typeof value!="object"||value===null||value.v!==1)return;let{parent,
entry,starts,ts,sdk,later,modules,spare}=value;if(!(typeof parent!="number"||typeof entry!="string"))return{parent,entry,starts:starts===!0,ts:readTypeScript(ts),
sdk:textOrNull(sdk),later:textOrNull(later),modules:textOrNull(modules),spare:readSpare(spare)}}function textOrNull(value){return typeof value=="string"?value:null}
function readSpare(value){if(typeof value!="object"||value===null)return null;let{required,imported}=value;return{required:textOrNull(required),imported:textOrNull(
imported)}}function readTypeScript(value){if(typeof value!="object"||value===null)return null;let{manifest,strip,commonjs}=value;return typeof manifest!="string"||
!Array.isArray(strip)||!strip.every(part=>typeof part=="string")?null:{manifest,strip,commonjs:commonjs===!0}}function isDomainProcess(plan){return process.ppid===
plan.parent&&process.argv[1]===plan.entry&&!isWorker()}function isWorker(){return"disabled"in process.abort}var LATER_MS=200;function standIn(){let text=process.env.FULCRUM_BOOTSTRAP;if(!text?.includes('"later":"'))return;hideInternalsFlag();let plan=readPlan(text);if(!plan?.
later||!isDomainProcess(plan))return;let{later}=plan;blockOnPipes(),setTimeout(()=>{import(later)},LATER_MS)}var index_exports={};__export(index_exports,{DomainBase:()=>DomainBase,Email:()=>Email,FulcrumError:()=>FulcrumError,Table:()=>Table});var FulcrumError=class extends Error{code;constructor(code,message){super(message),this.name="FulcrumError",this.code=code}};function messageOf(error){return error instanceof
AggregateError&&!error.message?error.errors.map(messageOf).join(", "):error instanceof Error?error.message||error.name:String(error)}function describe(error){return error instanceof
Error?error.stack??messageOf(error):String(error)}function say(text){process.stderr.write(`fulcrum: ${text}
`)}var DEFAULT_ADDRESS="localhost:50051",DEFAULT_PORT="50051";function dialUrl(address){let match=/^(?:http:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?\/?$/.
exec(address.trim()),port=match?.[2]??DEFAULT_PORT;if(!match||Number(port)<1||Number(port)>65535)throw new FulcrumError("INVALID",`"${address}" is no address of\
 a runtime: FULCRUM_GRPC_SERVER must be host:port, like ${DEFAULT_ADDRESS}`);return`http://${match[1]}:${port}`}var Table=class _Table{#send;#model;#query;constructor(send,model,query={}){this.#send=send,this.#model=model,this.#query=query}where(conditions){return this.#with(
{where:{...this.#query.where,...conditions}})}limit(count){return this.#with({limit:count})}offset(count){return this.#with({offset:count})}orderBy(field,direction="\
asc"){return this.#with({order:{...this.#query.order,[field]:direction}})}select(...fields){return this.#with({select:fields})}find(){return this.#send("db_find",
{model:this.#model,query:this.#query})}create(data){return this.#send("db_create",{model:this.#model,data})}update(data){return this.#send("db_update",{model:this.#model,
where:this.#narrowed("update"),data})}delete(){return this.#send("db_delete",{model:this.#model,where:this.#narrowed("delete")})}#narrowed(verb){let{where}=this.#query;
if(!where)throw new TypeError(`db('${this.#model}').${verb}() needs where(…): say which records, or where({}) for all`);return where}#with(part){return new _Table(
this.#send,this.#model,{...this.#query,...part})}};function requestTypeOf(method){let stem=/^(.+?)(?:Handler|_handler)$/.exec(method)?.[1];return!stem||stem.startsWith("_")?void 0:`${stem.replace(/([a-z0-9])([A-Z])/g,
"$1_$2").replace(/([A-Z])([A-Z][a-z])/g,"$1_$2").toLowerCase()}_request`}function responseTypeOf(requestType){return requestType.endsWith("_request")?`${requestType.
slice(0,-8)}_response`:`${requestType}_response`}function collectHandlers(domain,base){let handlers=new Map;for(let level=domain;level!==null&&level!==base;level=
Object.getPrototypeOf(level))for(let method of Object.getOwnPropertyNames(level)){let type=requestTypeOf(method);if(type===void 0||typeof Object.getOwnPropertyDescriptor(
level,method)?.value!="function")continue;let other=handlers.get(type);if(other===void 0)handlers.set(type,method);else if(other!==method)throw new Error(`${other}\
() and ${method}() both answer ${type}: rename one of them`)}return handlers}var Dispatcher=class{#target;#domain;#handlers;#running=new Set;#draining=!1;#idle;constructor(target,domain,handlers){this.#target=target,this.#domain=domain,this.#handlers=
handlers}dispatch(request,reply){let{type,requestId}=request,answered=!1,answer=payload=>{answered||(answered=!0,reply(responseTypeOf(type),payload,requestId))};
if(this.#draining){answer(failure(new Error(`${this.#domain} is draining: it stops and takes no new requests`)));return}let method=this.#handlers.get(type);if(method===
void 0){answer(failure(new Error(this.#unknown(type))));return}let expire=()=>answer(failure(new Error(`${this.#domain} was stopped before ${type} was done`)));
this.#running.add(expire),this.#run(method,request).then(answer).finally(()=>{this.#running.delete(expire),this.#running.size===0&&this.#idle?.()})}async drain(deadlineMs){
if(this.#draining=!0,this.#running.size===0)return 0;let timer;await new Promise(resolve=>{this.#idle=resolve,timer=setTimeout(resolve,deadlineMs)}),clearTimeout(
timer);let left=[...this.#running];for(let expire of left)expire();return left.length}get draining(){return this.#draining}async#run(method,{type,payload,requestId}){
try{let result=await this.#target[method].call(this.#target,parsePayload(payload),{type,requestId,domain:this.#domain});return JSON.stringify(result)??"{}"}catch(error){
return failure(error)}}#unknown(type){let known=[...this.#handlers.keys()].sort(),names=known.length>0?`it answers ${known.join(", ")}`:"it has no handlers";return`\
Unknown message type: ${type} (domain ${this.#domain}: ${names})`}};function parsePayload(text){if(text==="")return{};try{return JSON.parse(text)}catch(error){throw new Error(
`the payload isn't JSON: ${messageOf(error)}`)}}function failure(error){let code=error instanceof Error?error.code:void 0,known=typeof code=="string"||typeof code==
"number"?{code}:{};return JSON.stringify({success:!1,error:messageOf(error),...known})}var Email=class _Email{#send;#message;constructor(send,message={}){this.#send=send,this.#message=message}to(...addresses){return this.#with({to:one(addresses)})}from(address){
return this.#with({from:address})}cc(...addresses){return this.#with({cc:one(addresses)})}bcc(...addresses){return this.#with({bcc:one(addresses)})}replyTo(address){
return this.#with({replyTo:address})}subject(text){return this.#with({subject:text})}text(text){return this.#with({text})}html(html){return this.#with({html})}template(name,data={}){
return this.#with({template:name,data})}send(){return this.#send("email_send",{...this.#message})}#with(part){return new _Email(this.#send,{...this.#message,...part})}};
function one(addresses){return addresses.length===1?addresses[0]:addresses}var Heartbeat=class{#probe;#beat;#seq=0;start(intervalMs,send,status){this.stop();let lag=new LagProbe(100,nowMs()),beat=()=>{let memory=process.memoryUsage();send(
{seq:++this.#seq,event_loop_lag_ms:Math.round(lag.take(nowMs())*100)/100,rss_bytes:memory.rss,heap_used_bytes:memory.heapUsed,status:status()})};this.#probe=setInterval(
()=>lag.tick(nowMs()),100).unref(),this.#beat=setInterval(beat,intervalMs).unref(),beat()}stop(){clearInterval(this.#probe),clearInterval(this.#beat)}},LagProbe=class{#periodMs;#expected;#worst=0;constructor(periodMs,now){
this.#periodMs=periodMs,this.#expected=now+periodMs}tick(now){this.#worst=Math.max(this.#worst,now-this.#expected),this.#expected=now+this.#periodMs}take(now){let worst=Math.
max(this.#worst,now-this.#expected,0);return this.#worst=0,worst}};function nowMs(){return process.uptime()*1e3}function backoffDelay(failures,random){return Math.min(5e3,250*2**Math.min(failures,16))*(1-.25+2*.25*random)}var Pending=class{#entries=new Map;add(id,what,timeoutMs){return new Promise((resolve,reject)=>{let timer=setTimeout(()=>{this.#entries.delete(id),reject(new FulcrumError(
"TIMEOUT",`${what}: no answer within ${timeoutMs} ms`))},timeoutMs);this.#entries.set(id,{resolve,reject,timer})})}settle(message){let entry=this.#entries.get(message.
requestId);return entry?(this.#entries.delete(message.requestId),clearTimeout(entry.timer),entry.resolve(message),!0):!1}failAll(error){for(let entry of this.#entries.
values())clearTimeout(entry.timer),entry.reject(error);this.#entries.clear()}};function encodeDomainFrame(message){let fields=[message.domain,message.type,message.payload,message.requestId],lengths=fields.map(text=>Buffer.byteLength(text)),
size=0;for(let length of lengths)length>0&&(size+=1+varintBytes(length)+length);let frame=Buffer.allocUnsafe(5+size);frame[0]=0,frame.writeUInt32BE(size,1);let at=5;
return fields.forEach((text,index)=>{let length=lengths[index];length!==0&&(frame[at++]=index+1<<3|2,at=writeVarint(frame,at,length),at+=frame.write(text,at,length,
"utf8"))}),frame}function decodeRuntimeMessage(bytes){let message={type:"",payload:"",requestId:"",success:!1,error:""},cursor={at:0};for(;cursor.at<bytes.length;){
let start=cursor.at,tag=readVarint(bytes,cursor),field=Math.floor(tag/8),wire=tag%8;if(field===0)throw new Error(`malformed message: field number 0 at byte ${start}`);
if(wire===0){let value=readVarint(bytes,cursor);field===4&&(message.success=value!==0);continue}let length;if(wire===2)length=readVarint(bytes,cursor);else if(wire===
1)length=8;else if(wire===5)length=4;else throw new Error(`malformed message: wire type ${wire} of field ${field} at byte ${start}`);let end=cursor.at+length;if(end>
bytes.length)throw new Error(`malformed message: field ${field} at byte ${start} needs ${length} bytes, ${bytes.length-cursor.at} are left`);wire===2&&assign(message,
field,bytes,cursor.at,end),cursor.at=end}return message}function assign(message,field,bytes,from,to){field===1?message.type=bytes.toString("utf8",from,to):field===
2?message.payload=bytes.toString("utf8",from,to):field===3?message.requestId=bytes.toString("utf8",from,to):field===5&&(message.error=bytes.toString("utf8",from,
to))}function varintBytes(value){let bytes=1;for(;value>=128;)value=Math.floor(value/128),bytes++;return bytes}function writeVarint(target,at,value){for(;value>=
128;)target[at++]=value%128|128,value=Math.floor(value/128);return target[at++]=value,at}function readVarint(bytes,cursor){let value=0,factor=1;for(let count=0;count<
10;count++){let byte=bytes[cursor.at];if(byte===void 0)throw new Error(`malformed message: it ends inside a number at byte ${cursor.at}`);if(cursor.at++,value+=
(byte&127)*factor,byte<128)return value;factor*=128}throw new Error(`malformed message: a number of more than ten bytes at byte ${cursor.at}`)}var NAMES=["OK","CANCELLED","UNKNOWN","INVALID_ARGUMENT","DEADLINE_EXCEEDED","NOT_FOUND","ALREADY_EXISTS","PERMISSION_DENIED","RESOURCE_EXHAUSTED","FAILED_PRECO\
NDITION","ABORTED","OUT_OF_RANGE","UNIMPLEMENTED","INTERNAL","UNAVAILABLE","DATA_LOSS","UNAUTHENTICATED"];function statusOf(headers){let code=headers["grpc-stat\
us"];if(code!==void 0)return{name:NAMES[Number(code)]??"UNKNOWN",message:decodeMessage(String(headers["grpc-message"]??""))};let http=Number(headers[":status"]??
200);if(http!==200)return{name:"UNAVAILABLE",message:`the server answered HTTP ${http}: it is no Fulcrum runtime`}}function decodeMessage(text){try{return decodeURIComponent(
text)}catch{return text}}function isFinal(status){return status.name==="UNAUTHENTICATED"||status.name==="PERMISSION_DENIED"||status.name==="INVALID_ARGUMENT"}function isRefusal(status){
return isFinal(status)||status.name==="ALREADY_EXISTS"||status.name==="FAILED_PRECONDITION"||status.name==="UNIMPLEMENTED"}import{connect,constants}from"node:http2";var MAX_MESSAGE_BYTES=64*1024*1024,FrameReader=class{#chunks=[];#held=0;#wanted=5;push(chunk){if(this.#chunks.push(chunk),this.#held+=chunk.length,this.#held<this.#wanted)
return[];let bytes=this.#chunks.length===1?chunk:Buffer.concat(this.#chunks,this.#held),messages=[],at=0;for(this.#wanted=5;bytes.length-at>=5;){let length=messageLength(
bytes,at);if(bytes.length-at-5<length){this.#wanted=5+length;break}messages.push(bytes.subarray(at+5,at+5+length)),at+=5+length}return this.#chunks=at<bytes.length?
[bytes.subarray(at)]:[],this.#held=bytes.length-at,messages}};function messageLength(bytes,at){if(bytes[at]!==0)throw new Error("the runtime sent a compressed m\
essage, which was not asked for");let length=bytes.readUInt32BE(at+1);if(length>MAX_MESSAGE_BYTES)throw new Error(`the runtime sent a message of ${length} bytes\
; at most ${MAX_MESSAGE_BYTES} are taken`);return length}var StreamWriter=class{#stream;#queue=[];#bytes=0;#blocked=!1;#scheduled=!1;constructor(stream){this.#stream=stream,stream.on("drain",()=>{this.#blocked=!1,this.#flush()})}write(frame){
this.#stream.destroyed||this.#stream.writableEnded||(this.#queue.push(frame),this.#bytes+=frame.length,this.#bytes>8388608&&this.#stream.pause(),!this.#scheduled&&
(this.#scheduled=!0,process.nextTick(()=>queueMicrotask(()=>{this.#scheduled=!1,this.#flush()}))))}async end(limitMs){this.#stream.destroyed||(this.#queue.length>
0&&this.#stream.write(Buffer.concat(this.#queue)),this.#queue=[],this.#bytes=0,await new Promise(resolve=>{let timer=setTimeout(resolve,limitMs);this.#stream.once(
"close",()=>{clearTimeout(timer),resolve()}),this.#stream.end()}))}#flush(){if(this.#blocked||this.#queue.length===0||this.#stream.destroyed||this.#stream.writableEnded)
return;let chunk=this.#queue.length===1?this.#queue[0]:Buffer.concat(this.#queue);this.#queue=[],this.#bytes=0,this.#blocked=!this.#stream.write(chunk),this.#stream.
isPaused()&&this.#stream.resume()}};var SERVICE="/framework.FrameworkService/",WINDOW_BYTES=1024*1024,REHEARSAL_MS=1e3,Transport=class{#session;#headers;#failure;constructor(url,token){let authority=new URL(
url).host;this.#headers={":method":"POST",":authority":authority,te:"trailers","content-type":"application/grpc","user-agent":"fulcrum-domain-node"},token&&(this.#headers["\
x-fulcrum-token"]=token);let session=connect(url,{settings:{enablePush:!1,initialWindowSize:WINDOW_BYTES}});this.#session=session,session.on("error",error=>{this.#failure??=
error}),session.once("remoteSettings",()=>session.setLocalWindowSize(WINDOW_BYTES))}get failure(){return this.#failure&&messageOf(this.#failure)}get open(){return!this.#session.
closed&&!this.#session.destroyed}hold(alive){alive?this.#session.ref():this.#session.unref()}rehearse(){let stream=this.#session.request({...this.#headers,":pat\
h":"/grpc.health.v1.Health/Check"},{endStream:!1});this.#read(stream,{message:()=>{},closed:()=>{}});let writer=new StreamWriter(stream);writer.write(Buffer.alloc(
5)),writer.end(REHEARSAL_MS)}communicate(events){let stream=this.#request("DomainCommunication");return this.#read(stream,events),new StreamWriter(stream)}unary(frame){
let stream=this.#request("SendMessage"),answer=new Promise((resolve,reject)=>{let received;this.#read(stream,{message:message=>{received??=message},closed:status=>{
received?resolve(received):reject(new Error(status.name==="OK"?"the runtime ended the call without an answer":describeStatus(status)))}})});return stream.end(frame),
{answer,abandon:()=>stream.close(constants.NGHTTP2_CANCEL)}}destroy(){this.#session.destroy()}#request(method){return this.#session.request({...this.#headers,":\
path":SERVICE+method},{endStream:!1})}#read(stream,events){let reader=new FrameReader,status,failure2;stream.on("response",headers=>{status??=statusOf(headers)}),
stream.on("trailers",trailers=>{status??=statusOf(trailers)}),stream.on("data",chunk=>{try{for(let bytes of reader.push(chunk))events.message(decodeRuntimeMessage(
bytes))}catch(error){stream.destroy(error)}}),stream.on("end",()=>{stream.end()}),stream.on("error",error=>{failure2??=error}),stream.on("close",()=>{let reason=this.#failure??
failure2?.cause??failure2;events.closed(status??{name:"UNAVAILABLE",message:reason?messageOf(reason):"the connection was closed"})})}};function describeStatus(status){
return status.name==="OK"?"the runtime ended the stream":status.message?`${status.name}: ${status.message}`:status.name}var TIMEOUT_MS=3e4,GIVE_UP_MS=6e4;function settle(options,className,env){let token=options.token??(env.FULCRUM_DOMAIN_TOKEN||void 0);return{name:options.name??className??
env.FULCRUM_DOMAIN_NAME??"",address:options.address??(env.FULCRUM_GRPC_SERVER||DEFAULT_ADDRESS),token,timeoutMs:options.timeoutMs??TIMEOUT_MS,giveUpAfterMs:env.
FULCRUM_DOMAIN_TOKEN?GIVE_UP_MS:1/0}}var WARM=Symbol.for("fulcrum.domain.warm"),waiting;function warm(){let{address,token}=settle({},void 0,process.env),url=dialUrl(address),ahead={url,token,transport:new Transport(
url,token)};return ahead.transport.rehearse(),ahead.transport.hold(!1),waiting=ahead,()=>{waiting===ahead&&(waiting=void 0,ahead.transport.destroy())}}function transportTo(url,token){
let ahead=waiting;return ahead===void 0||ahead.url!==url||ahead.token!==token?new Transport(url,token):(waiting=void 0,ahead.transport.open?(ahead.transport.hold(
!0),ahead.transport):new Transport(url,token))}var REGISTER_TIMEOUT_MS=1e4,STABLE_MS=5e3,CLOSE_LIMIT_MS=1e3,Link=class{#options;#events;#pending=new Pending;#idPrefix;#ids=0;#state="idle";#transport;#writer;#epoch=0;#failures=0;#registeredAt;#lostAt;#everRegistered=!1;#timer;#said="";#waiters=new Set;constructor(options,events){
this.#options=options,this.#events=events,this.#idPrefix=`${options.domain}:${process.pid}:${Math.random().toString(36).slice(2,10)}:`}get epoch(){return this.#epoch}get registered(){
return this.#state==="registered"}dial(){this.#transport??=transportTo(this.#options.url,this.#options.token)}register(){let done=this.#whenRegistered();return this.#state===
"idle"&&this.#attempt(),done}send(type,payload,requestId,epoch=this.#epoch){epoch!==this.#epoch||this.#state!=="registered"||this.#writer?.write(encodeDomainFrame(
{domain:this.#options.domain,type,payload,requestId}))}async request(type,payload,timeoutMs){if(this.#requireOpen(type),!this.#everRegistered)throw new FulcrumError(
"NOT_REGISTERED",`${type}: the domain isn't registered yet; use onReady() for work that needs the runtime`);let deadline=monotonicMs()+timeoutMs;this.#state!=="\
registered"&&await this.#registeredWithin(timeoutMs,type);let id=this.#nextId();return this.send(type,payload,id),this.#pending.add(id,type,Math.max(1,Math.round(
deadline-monotonicMs())))}async call(domain,type,payload,timeoutMs){let what=`call ${type} of ${domain}`;this.#requireOpen(what);let deadline=monotonicMs()+timeoutMs;
this.#state==="waiting"&&await this.#registeredWithin(timeoutMs,what),this.dial();let frame=encodeDomainFrame({domain,type,payload,requestId:this.#nextId()}),timer;
try{let{answer,abandon}=this.#transport.unary(frame),late=new Promise((_,reject)=>{timer=setTimeout(()=>{reject(new FulcrumError("TIMEOUT",`${what}: no answer w\
ithin ${timeoutMs} ms`)),abandon()},Math.max(1,deadline-monotonicMs()))});return await Promise.race([answer,late])}catch(error){throw error instanceof FulcrumError?
error:new FulcrumError("DISCONNECTED",`${what}: ${messageOf(error)}`)}finally{clearTimeout(timer)}}async close(){if(this.#state==="closed")return;this.#state="c\
losed",clearTimeout(this.#timer);let gone=new FulcrumError("DISCONNECTED","the domain was stopped before the answer came");this.#pending.failAll(gone),this.#rejectWaiters(
gone),await this.#writer?.end(CLOSE_LIMIT_MS),this.#transport?.destroy()}abort(){this.#state="closed",clearTimeout(this.#timer),this.#transport?.destroy()}#attempt(){
this.#state="registering";let epoch=++this.#epoch,registerId=this.#nextId();try{this.dial(),this.#writer=this.#transport.communicate({message:message=>{epoch===
this.#epoch&&this.#receive(message,registerId)},closed:status=>{epoch===this.#epoch&&this.#lose(status)}})}catch(error){this.#lose({name:"UNAVAILABLE",message:this.#transport?.
failure??messageOf(error)});return}let{domain,capabilities}=this.#options,payload=JSON.stringify({domain,capabilities});this.#writer.write(encodeDomainFrame({domain,
type:"domain_register",payload,requestId:registerId})),this.#timer=setTimeout(()=>{this.#lose({name:"DEADLINE_EXCEEDED",message:`no answer to the registration w\
ithin ${REGISTER_TIMEOUT_MS/1e3} s`})},REGISTER_TIMEOUT_MS)}#receive(message,registerId){if(this.#state!=="closed"){if(this.#state==="registering"){if(message.requestId!==
registerId)return;message.success?this.#accepted(message):this.#lose({name:"FAILED_PRECONDITION",message:message.error||"the runtime gave no reason"});return}this.#pending.
settle(message)||this.#events.message(message)}}#accepted(message){clearTimeout(this.#timer),this.#state="registered",this.#registeredAt=monotonicMs(),this.#said&&
say(`${this.#options.domain} is registered with the runtime at ${this.#options.address}`),this.#said="",this.#lostAt=void 0,this.#everRegistered=!0,this.#events.
registered(parseObject(message.payload));let waiters=this.#waiters;this.#waiters=new Set;for(let waiter of waiters)waiter.resolve()}#lose(status){if(this.#state===
"closed"||this.#state==="waiting")return;let was=this.#state,now=monotonicMs();clearTimeout(this.#timer),this.#epoch++,this.#state="waiting";let transport=this.#transport;
this.#transport=void 0,this.#writer=void 0,transport?.destroy();let{address,domain}=this.#options;if(this.#pending.failAll(new FulcrumError("DISCONNECTED",`the \
connection to the runtime at ${address} was lost before the answer came (${describeStatus(status)})`)),was==="registered"&&(now-(this.#registeredAt??now)>=STABLE_MS&&
(this.#failures=0),this.#events.lost()),isFinal(status)){this.#fail(new FulcrumError("REFUSED",`the runtime at ${address} refuses domain "${domain}": ${describeStatus(
status)}`));return}if(this.#explain(was,status),this.#lostAt??=now,now-this.#lostAt>=this.#options.giveUpAfterMs){this.#fail(new FulcrumError("DISCONNECTED",`th\
e runtime at ${address} has been away for ${Math.round((now-this.#lostAt)/1e3)} s (${describeStatus(status)}): giving up`));return}this.#timer=setTimeout(()=>this.#attempt(),
backoffDelay(this.#failures++,Math.random()))}#explain(was,status){let{address,domain}=this.#options,text;was==="registered"?text=`the connection of ${domain} t\
o the runtime at ${address} was lost (${describeStatus(status)}): dialling again`:isRefusal(status)?text=`the runtime at ${address} doesn't take domain "${domain}\
" now: ${describeStatus(status)}; asking again`:text=`${domain} can't reach the runtime at ${address} (${status.message||status.name}): trying again until it is\
 there`,text!==this.#said&&(this.#said=text,say(text))}#fail(error){this.#state="closed",this.#rejectWaiters(error),this.#events.fatal(error.message)}#requireOpen(what){
if(this.#state==="closed")throw new FulcrumError("NOT_REGISTERED",`${what}: the domain has been stopped`)}#nextId(){return this.#idPrefix+ ++this.#ids}#whenRegistered(){
return this.#state==="registered"?Promise.resolve():new Promise((resolve,reject)=>{this.#waiters.add({resolve,reject})})}async#registeredWithin(timeoutMs,what){
await new Promise((resolve,reject)=>{let settle2=action=>()=>{clearTimeout(timer),this.#waiters.delete(waiter),action()},late=new FulcrumError("DISCONNECTED",`${what}\
: no connection to the runtime at ${this.#options.address} within ${timeoutMs} ms`),waiter={resolve:settle2(resolve),reject:error=>settle2(()=>reject(error))()},
timer=setTimeout(()=>waiter.reject(late),timeoutMs);this.#waiters.add(waiter)})}#rejectWaiters(error){let waiters=this.#waiters;this.#waiters=new Set;for(let waiter of waiters)
waiter.reject(error)}};function monotonicMs(){return process.uptime()*1e3}function parseObject(text){try{let value=JSON.parse(text);return typeof value=="object"&&
value!==null?value:{}}catch{return{}}}var INSTANCES=Symbol.for("fulcrum.domain.instances");function instances(){return globalThis[INSTANCES]??=new Set}var SIGTERM_DEADLINE_MS=1e4,watching=!1;function drainOnSigterm(){if(watching)return;watching=!0;let onSigterm=()=>{if(process.listeners("SIGTERM").some(listener=>listener!==
onSigterm))return;let stops=[...instances()].map(domain=>domain.stop(SIGTERM_DEADLINE_MS));Promise.allSettled(stops).then(exitWhenAllStopped)};process.on("SIGTE\
RM",onSigterm)}function exitWhenAllStopped(){for(let domain of instances())if(domain.running)return;process.exit(process.exitCode??0)}function die(domain,error){
say(`${domain}: ${describe(error)}`),process.exit(1)}var CAPABILITIES=["db_operations","email_operations","heartbeat","drain","assets"],STOP_DEADLINE_MS=1e4,DomainBase=class _DomainBase{static domainName;name;#settings;#heartbeat=new Heartbeat;#link;#dispatcher;#started;#stopped;#running=!1;constructor(options={}){
let given=typeof options=="string"?{name:options}:options;this.#settings=settle(given,this.constructor.domainName,process.env),this.name=this.#settings.name,instances().
add(this)}onStart(){}onReady(){}onStop(){}onAssetChanged(path){}get running(){return this.#running}get registered(){return this.#link?.registered??!1}start(){return this.#started??=
this.#run()}stop(deadlineMs=STOP_DEADLINE_MS){return this.#stopped??=this.#close(deadlineMs)}createRecord(model,data){return this.request("db_create",{model,data})}findRecords(model,query={}){
return this.request("db_find",{model,query})}updateRecord(model,id,data){return this.request("db_update",{model,id,data})}deleteRecord(model,id){return this.request(
"db_delete",{model,id})}sendEmail(message){return this.request("email_send",message)}db(model){return new Table((type,payload)=>this.request(type,payload),model)}email(){
return new Email((type,payload)=>this.request(type,payload))}async request(type,payload={},options={}){let link=this.#requireLink(type);return payloadOf(await link.
request(type,JSON.stringify(payload)??"{}",options.timeoutMs??this.#settings.timeoutMs),type)}async call(domain,type,payload={},options={}){let link=this.#requireLink(
`call ${type} of ${domain}`);return payloadOf(await link.call(domain,type,JSON.stringify(payload)??"{}",options.timeoutMs??this.#settings.timeoutMs),type)}async#run(){
let{address,token,giveUpAfterMs}=this.#settings;if(!this.name)throw new FulcrumError("INVALID","this domain has no name: give one to super(…), as static domainN\
ame, or in FULCRUM_DOMAIN_NAME");let link=new Link({url:dialUrl(address),address,domain:this.name,token,capabilities:CAPABILITIES,giveUpAfterMs},{registered:answer=>this.#beat(
answer.heartbeat_interval_ms),message:message=>this.#receive(message),lost:()=>this.#heartbeat.stop(),fatal:reason=>this.#die(reason)});this.#link=link,this.#running=
!0,link.dial(),await void 0;let registering;try{if(await this.onStart(),this.#stopped)return;registering=link.register(),drainOnSigterm(),this.#dispatcher=new Dispatcher(
this,this.name,collectHandlers(this,_DomainBase.prototype))}catch(error){link.abort(),die(this.name,error)}try{await registering}catch(error){if(this.#stopped)return;
throw error}try{await this.onReady()}catch(error){die(this.name,error)}}#receive(message){let{type,requestId}=message;if(type==="drain"){this.stop(deadlineOf(message.
payload)).then(exitWhenAllStopped);return}if(type==="asset_changed"){this.#asset(message.payload);return}if(type==="error"||type.endsWith("_response")||requestId===
"")return;let link=this.#link,{epoch}=link;this.#dispatcher?.dispatch(message,(answerType,payload,id)=>link.send(answerType,payload,id,epoch))}async#asset(payload){
try{let{path}=JSON.parse(payload);await this.onAssetChanged(path)}catch(error){say(`${this.name}: onAssetChanged failed: ${messageOf(error)}`)}}#beat(intervalMs){
if(typeof intervalMs!="number"||!(intervalMs>0))return;let link=this.#link;this.#heartbeat.start(intervalMs,beat=>link.send("heartbeat",JSON.stringify(beat),""),
()=>this.#dispatcher?.draining?"draining":"ok")}async#close(deadlineMs){if(!this.#running)return;let late=await this.#dispatcher?.drain(deadlineMs)??0;late>0&&say(
`${this.name}: ${late} request${late>1?"s were":" was"} not done within ${deadlineMs} ms`);try{await this.onStop()}catch(error){say(`${this.name}: onStop failed\
: ${messageOf(error)}`)}this.#heartbeat.stop(),await this.#link?.close(),this.#running=!1}#die(reason){say(reason),process.exit(1)}#requireLink(what){if(!this.#link)
throw new FulcrumError("NOT_REGISTERED",`${what}: call start() first`);return this.#link}};Object.defineProperty(DomainBase.prototype,Symbol.for("fulcrum.domain"),
{value:!0});Object.defineProperty(DomainBase,WARM,{value:warm});function payloadOf(answer,what){let payload;try{payload=answer.payload===""?{}:JSON.parse(answer.
payload)}catch{if(answer.success)throw new FulcrumError("FAILED",`${what}: the answer isn't JSON: ${answer.payload.slice(0,80)}`)}let said=payload;if(answer.success&&
said?.success!==!1)return payload;let text=answer.error||(typeof said?.error=="string"?said.error:"")||`${what} failed, without a reason`;throw new FulcrumError(
"FAILED",text)}function deadlineOf(payload){try{let{deadline_ms:ms}=JSON.parse(payload);if(typeof ms=="number"&&ms>=0)return ms}catch{}return STOP_DEADLINE_MS}var KEY=Symbol.for("@fulcrum/domain 0.1.0"),shared=globalThis[KEY]??=index_exports;standIn();var{DomainBase:DomainBase2,Email:Email2,FulcrumError:FulcrumError2,Table:Table2}=shared,entry_esm_default=shared;export{DomainBase2 as DomainBase,Email2 as Email,FulcrumError2 as FulcrumError,Table2 as Table,entry_esm_default as default};
