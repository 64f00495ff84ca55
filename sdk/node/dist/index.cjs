"use strict";var __create=Object.create;var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;var __getOwnPropNames=Object.getOwnPropertyNames;var __getProtoOf=Object.getPrototypeOf,__hasOwnProp=Object.prototype.hasOwnProperty;var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:!0})},__copyProps=(to,from,except,desc)=>{if(from&&typeof from==
"object"||typeof from=="function")for(let key of __getOwnPropNames(from))!__hasOwnProp.call(to,key)&&key!==except&&__defProp(to,key,{get:()=>from[key],enumerable:!(desc=
__getOwnPropDesc(from,key))||desc.enumerable});return to};var __toESM=(mod,isNodeMode,target)=>(target=mod!=null?__create(__getProtoOf(mod)):{},__copyProps(isNodeMode||!mod||!mod.__esModule?__defProp(target,"default",{
value:mod,enumerable:!0}):target,mod)),__toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:!0}),mod);var entry_cjs_exports={};__export(entry_cjs_exports,{DomainBase:()=>DomainBase2,Email:()=>Email2,FulcrumError:()=>FulcrumError2,Table:()=>Table2});module.exports=
__toCommonJS(entry_cjs_exports);var index_exports={};__export(index_exports,{DomainBase:()=>DomainBase,Email:()=>Email,FulcrumError:()=>FulcrumError,Table:()=>Table});var FulcrumError=class extends Error{code;constructor(code,message){super(message),this.name="FulcrumError",this.code=code}};function messageOf(error){return error instanceof
AggregateError&&!error.message?error.errors.map(messageOf).join(", "):error instanceof Error?error.message||error.name:String(error)}function describe(error){return error instanceof
Error?error.stack??messageOf(error):String(error)}function log(text){process.stderr.write(`fulcrum: ${text}
`)}var DEFAULT_ADDRESS="localhost:50051",DEFAULT_PORT="50051";function dialUrl(address){let match=/^(?:http:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?\/?$/.
exec(address.trim()),port=match?.[2]??DEFAULT_PORT;if(!match||Number(port)<1||Number(port)>65535)throw new FulcrumError("INVALID",`invalid runtime address "${address}\
": FULCRUM_GRPC_SERVER must be host:port, like ${DEFAULT_ADDRESS}`);return`http://${match[1]}:${port}`}var Table=class _Table{#send;#model;#query;constructor(send,model,query={}){this.#send=send,this.#model=model,this.#query=query}where(conditions){return this.#with(
{where:{...this.#query.where,...conditions}})}limit(count){return this.#with({limit:count})}offset(count){return this.#with({offset:count})}orderBy(field,direction="\
asc"){return this.#with({order:{...this.#query.order,[field]:direction}})}select(...fields){return this.#with({select:fields})}find(){return this.#send("db_find",
{model:this.#model,query:this.#query})}create(data){return this.#send("db_create",{model:this.#model,data})}update(data){return this.#send("db_update",{model:this.#model,
where:this.#requireWhere("update"),data})}delete(){return this.#send("db_delete",{model:this.#model,where:this.#requireWhere("delete")})}#requireWhere(verb){let{
where}=this.#query;if(!where)throw new TypeError(`db('${this.#model}').${verb}() needs where(…): select records, or use where({}) for all`);return where}#with(part){
return new _Table(this.#send,this.#model,{...this.#query,...part})}};function requestTypeOf(method){let stem=/^(.+?)(?:Handler|_handler)$/.exec(method)?.[1];return!stem||stem.startsWith("_")?void 0:`${stem.replace(/([a-z0-9])([A-Z])/g,
"$1_$2").replace(/([A-Z])([A-Z][a-z])/g,"$1_$2").toLowerCase()}_request`}function responseTypeOf(requestType){return requestType.endsWith("_request")?`${requestType.
slice(0,-8)}_response`:`${requestType}_response`}function collectHandlers(domain,base){let handlers=new Map;for(let level=domain;level!==null&&level!==base;level=
Object.getPrototypeOf(level))for(let method of Object.getOwnPropertyNames(level)){let type=requestTypeOf(method);if(type===void 0||typeof Object.getOwnPropertyDescriptor(
level,method)?.value!="function")continue;let other=handlers.get(type);if(other===void 0)handlers.set(type,method);else if(other!==method)throw new Error(`${other}\
() and ${method}() both handle ${type}: rename one of them`)}return handlers}var Credit=class{#parts;#wake;#closed=!1;constructor(parts){this.#parts=parts}grant(parts){this.#parts+=parts,this.#wake?.()}close(){this.#closed=!0,this.#wake?.()}async take(){
for(;this.#parts===0&&!this.#closed;)await new Promise(resolve=>{this.#wake=resolve}),this.#wake=void 0;return this.#closed?!1:(this.#parts--,!0)}};function isParts(result){
return typeof result=="object"&&result!==null&&typeof result[Symbol.asyncIterator]=="function"}async function sendParts(parts,credit,send){let iterator=parts[Symbol.
asyncIterator]();for(;await credit.take();){let next=await iterator.next();if(next.done){next.value!==void 0&&send(next.value);return}send(next.value)}await iterator.
return?.()}async function collectParts(parts){let all=[];for await(let part of parts)all.push(part);return all}var PATTERN=/^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/,NO_TRACE="0".repeat(32),NO_SPAN="0".repeat(16),LENGTH=55,ZERO=48,NINE=57,A=97,DASH=45,
DIGITS=Array.from({length:256},(_,byte)=>byte.toString(16).padStart(2,"0"));function normalTraceparent(text){let parsed=parseTraceparent(text);return parsed&&formatTraceparent(
parsed)}function hasForm(text){return text.length===LENGTH&&text.charCodeAt(2)===DASH&&text.charCodeAt(35)===DASH&&text.charCodeAt(52)===DASH&&text.startsWith("\
00")}function traceOf(traceparent){return traceparent.slice(3,35)}function spanOf(traceparent){return traceparent.slice(36,52)}function isSampled(traceparent){let digit=traceparent.
charCodeAt(LENGTH-1);return((digit<=NINE?digit-ZERO:digit-A+10)&1)===1}function parseTraceparent(text){let match=text===void 0||text===""?null:PATTERN.exec(text.
trim());if(!match)return;let[,version,traceId,spanId,flags,more]=match;if(!(version==="ff"||version==="00"&&more!==void 0)&&!(traceId===NO_TRACE||spanId===NO_SPAN))
return{traceId,spanId,sampled:(Number.parseInt(flags,16)&1)===1}}function formatTraceparent({traceId,spanId,sampled}){return`00-${traceId}-${spanId}-${sampled?"\
01":"00"}`}function newHalfId(){return Math.random()*2**32|0||1}function hexOf(number){return DIGITS[number>>>24]+DIGITS[number>>>16&255]+DIGITS[number>>>8&255]+
DIGITS[number&255]}var MAX_TIMER_MS=2**31-1,RunningRequest=class{type;requestId;domain;#traceparent;#deadlineMs;#receivedAt;#receivedDate;#credit;#controller;#timer;#reason;#finished=!1;constructor(request,domain){
this.type=request.type,this.requestId=request.requestId,this.domain=domain,this.#traceparent=request.traceparent,this.#deadlineMs=request.deadlineMs,this.#credit=
request.streamCredit>0?new Credit(request.streamCredit):void 0,this.#receivedAt=request.deadlineMs>0?process.uptime()*1e3:0,this.#receivedDate=request.deadlineMs>
0?Date.now():0}get traceId(){return parseTraceparent(this.#traceparent)?.traceId}get deadline(){return this.#deadlineMs>0?new Date(this.#receivedDate+this.#deadlineMs):
void 0}get signal(){return this.#controller===void 0&&(this.#controller=new AbortController,this.#reason?this.#controller.abort(this.#reason):this.#deadlineMs>0&&
!this.#finished&&this.#startTimer()),this.#controller.signal}cancel(reason){this.#reason||this.#finished||(this.#reason=reason,clearTimeout(this.#timer),this.#controller?.
abort(reason),this.#credit?.close())}static creditOf(request){return request.#credit}finish(){this.#finished=!0,clearTimeout(this.#timer)}#startTimer(){let left=this.#receivedAt+
this.#deadlineMs-process.uptime()*1e3,expire=()=>this.cancel(new FulcrumError("TIMEOUT",`the caller of ${this.type} waited ${this.#deadlineMs} ms and has given \
up`));left<=0?expire():left<=MAX_TIMER_MS&&(this.#timer=setTimeout(expire,left).unref())}};var Responder=class{#request;#reply;#responded=!1;constructor(request,reply){this.#request=request,this.#reply=reply}respond(payload,more=!1){if(this.#responded)
return;this.#responded=!more;let{type,requestId}=this.#request;this.#reply(responseTypeOf(type),payload,requestId,more)}},Dispatcher=class{#target;#domain;#handlers;#tracing;#running=new Map;#draining=!1;#idle;#timer;constructor(target,domain,handlers,tracing){
this.#target=target,this.#domain=domain,this.#handlers=handlers,this.#tracing=tracing}dispatch(request,reply){let{type}=request,responder=new Responder(request,
reply);if(this.#draining){responder.respond(failure(new Error(`${this.#domain} is draining and accepts no new requests`),"DRAINING"));return}let method=this.#handlers.
get(type);if(method===void 0){responder.respond(failure(new Error(this.#unknownType(type))));return}let running={context:new RunningRequest(request,this.#domain),
responder,trace:this.#tracing.handle(type,request)};this.#running.set(request.requestId,running),this.#run(running,method,request.payload)}cancel(requestId){let running=this.#running.
get(requestId);running?.context.cancel(new FulcrumError("CANCELLED",`the caller of ${running.context.type} has given up`))}async drain(deadlineMs){if(this.#draining=
!0,this.#running.size===0)return 0;await new Promise(resolve=>{this.#idle=resolve,this.setDeadline(deadlineMs)}),clearTimeout(this.#timer);let running=[...this.#running.
values()];for(let{context,responder}of running)responder.respond(failure(new Error(`${this.#domain} was stopped before ${context.type} was finished`),"UNAVAILAB\
LE"));return running.length}setDeadline(deadlineMs){this.#idle&&(clearTimeout(this.#timer),this.#timer=setTimeout(this.#idle,deadlineMs))}get draining(){return this.#draining}#run(running,method,payload){
let{context,trace}=running,handle=()=>awaitable(this.#target[method].call(this.#target,parsePayload(payload),context)),result;try{result=trace?trace.run(handle):
handle()}catch(error){this.#failed(running,error);return}result instanceof Promise?result.then(value=>this.#returned(running,value),error=>this.#failed(running,
error)):this.#returned(running,result)}#returned(running,result){let payload;try{if(isParts(result)){let send=()=>this.#respondInParts(running,result);(running.
trace?running.trace.run(send):send()).then(last=>this.#finish(running,last,void 0),error=>this.#failed(running,error));return}payload=JSON.stringify(result)??"{\
}"}catch(error){this.#failed(running,error);return}this.#finish(running,payload,void 0)}#failed(running,error){this.#finish(running,failure(error),messageOf(error))}async#respondInParts({
context,responder},parts){let credit=RunningRequest.creditOf(context);return credit===void 0?JSON.stringify(await collectParts(parts)):(await sendParts(parts,credit,
part=>responder.respond(JSON.stringify(part)??"{}",!0)),"")}#finish({context,responder,trace},payload,error){trace?.end(error),responder.respond(payload),context.
finish(),this.#running.delete(context.requestId),this.#running.size===0&&this.#idle?.()}grant(requestId,parts){let running=this.#running.get(requestId);running&&
typeof parts=="number"&&parts>0&&RunningRequest.creditOf(running.context)?.grant(parts)}#unknownType(type){let known=[...this.#handlers.keys()].sort(),names=known.
length>0?`it handles ${known.join(", ")}`:"it has no handlers";return`Unknown message type: ${type} (domain ${this.#domain}: ${names})`}};function awaitable(result){
return(typeof result=="object"&&result!==null||typeof result=="function")&&typeof result.then=="function"?Promise.resolve(result):result}function parsePayload(text){
if(text==="")return{};try{return JSON.parse(text)}catch(error){throw new Error(`the payload is not JSON: ${messageOf(error)}`)}}function failure(error,code=error instanceof
Error?error.code:void 0){let known=typeof code=="string"||typeof code=="number"?{code}:{};return JSON.stringify({success:!1,error:messageOf(error),...known})}var Email=class _Email{#send;#message;constructor(send,message={}){this.#send=send,this.#message=message}to(...addresses){return this.#with({to:one(addresses)})}from(address){
return this.#with({from:address})}cc(...addresses){return this.#with({cc:one(addresses)})}bcc(...addresses){return this.#with({bcc:one(addresses)})}replyTo(address){
return this.#with({replyTo:address})}subject(text){return this.#with({subject:text})}text(text){return this.#with({text})}html(html){return this.#with({html})}template(name,data={}){
return this.#with({template:name,data})}send(){return this.#send("email_send",{...this.#message})}#with(part){return new _Email(this.#send,{...this.#message,...part})}};
function one(addresses){return addresses.length===1?addresses[0]:addresses}var Heartbeat=class{#lagTimer;#heartbeat;#seq=0;start(intervalMs,send,status){this.stop();let lag=new LagProbe(100,nowMs()),sendHeartbeat=()=>{let memory=process.
memoryUsage();send({seq:++this.#seq,event_loop_lag_ms:Math.round(lag.take(nowMs())*100)/100,rss_bytes:memory.rss,heap_used_bytes:memory.heapUsed,heap_total_bytes:memory.
heapTotal,status:status()})};this.#lagTimer=setInterval(()=>lag.tick(nowMs()),100).unref(),this.#heartbeat=setInterval(sendHeartbeat,intervalMs).unref(),sendHeartbeat()}stop(){
clearInterval(this.#lagTimer),clearInterval(this.#heartbeat)}},LagProbe=class{#periodMs;#expected;#max=0;constructor(periodMs,now){this.#periodMs=periodMs,this.#expected=
now+periodMs}tick(now){this.#max=Math.max(this.#max,now-this.#expected),this.#expected=now+this.#periodMs}take(now){let max=Math.max(this.#max,now-this.#expected,
0);return this.#max=0,max}};function nowMs(){return process.uptime()*1e3}function parseObject(text){try{let value=JSON.parse(text);return typeof value=="object"&&value!==null?value:{}}catch{return{}}}function backoffDelay(failures,random){return Math.min(5e3,250*2**Math.min(failures,16))*(1-.25+2*.25*random)}var PendingRequests=class{#entries=new Map;add(id,what,timeoutMs,remainingMs2=timeoutMs){return new Promise((resolve,reject)=>{let timer=setTimeout(()=>{this.#entries.
delete(id),reject(new FulcrumError("TIMEOUT",`${what}: no response within ${timeoutMs} ms`))},remainingMs2);this.#entries.set(id,{resolve,reject,timer})})}resolve(message){
let entry=this.#entries.get(message.requestId);return entry?(this.#entries.delete(message.requestId),clearTimeout(entry.timer),entry.resolve(message),!0):!1}failAll(error){
for(let entry of this.#entries.values())clearTimeout(entry.timer),entry.reject(error);this.#entries.clear()}};var MORE=[40,1];function encodeDomainFrame(message){let fields=[message.domain,message.type,message.payload,message.requestId],lengths=fields.map(text=>Buffer.byteLength(
text)),size=0;for(let length of lengths)length>0&&(size+=1+varintBytes(length)+length);message.more&&(size+=MORE.length);let frame=Buffer.allocUnsafe(5+size);frame[0]=
0,frame.writeUInt32BE(size,1);let at=5;return fields.forEach((text,index)=>{let length=lengths[index];length!==0&&(frame[at++]=index+1<<3|2,at=writeVarint(frame,
at,length),at+=frame.write(text,at,length,"utf8"))}),message.more&&frame.set(MORE,at),frame}function decodeRuntimeMessage(bytes){let message={type:"",payload:"",requestId:"",success:!1,error:"",deadlineMs:0,streamCredit:0,traceparent:"",tracestate:"",baggage:""},
cursor={at:0};for(;cursor.at<bytes.length;){let start=cursor.at,tag=readVarint(bytes,cursor),field=Math.floor(tag/8),wire=tag%8;if(field===0)throw new Error(`ma\
lformed message: field number 0 at byte ${start}`);if(wire===0){let value=readVarint(bytes,cursor);field===4?message.success=value!==0:field===6?message.deadlineMs=
value:field===7&&(message.streamCredit=value);continue}let length;if(wire===2)length=readVarint(bytes,cursor);else if(wire===1)length=8;else if(wire===5)length=
4;else throw new Error(`malformed message: wire type ${wire} of field ${field} at byte ${start}`);let end=cursor.at+length;if(end>bytes.length)throw new Error(`\
malformed message: field ${field} at byte ${start} needs ${length} bytes, ${bytes.length-cursor.at} are left`);wire===2&&assign(message,field,bytes,cursor.at,end),
cursor.at=end}return message}function assign(message,field,bytes,from,to){field===1?message.type=bytes.toString("utf8",from,to):field===2?message.payload=bytes.
toString("utf8",from,to):field===3?message.requestId=bytes.toString("utf8",from,to):field===5?message.error=bytes.toString("utf8",from,to):field===8?message.traceparent=
bytes.toString("utf8",from,to):field===9?message.tracestate=bytes.toString("utf8",from,to):field===10&&(message.baggage=bytes.toString("utf8",from,to))}function varintBytes(value){
let bytes=1;for(;value>=128;)value=Math.floor(value/128),bytes++;return bytes}function writeVarint(target,at,value){for(;value>=128;)target[at++]=value%128|128,
value=Math.floor(value/128);return target[at++]=value,at}function readVarint(bytes,cursor){let value=0,factor=1;for(let count=0;count<10;count++){let byte=bytes[cursor.
at];if(byte===void 0)throw new Error(`malformed message: it ends inside a number at byte ${cursor.at}`);if(cursor.at++,value+=(byte&127)*factor,byte<128)return value;
factor*=128}throw new Error(`malformed message: a number of more than ten bytes at byte ${cursor.at}`)}var NAMES=["OK","CANCELLED","UNKNOWN","INVALID_ARGUMENT","DEADLINE_EXCEEDED","NOT_FOUND","ALREADY_EXISTS","PERMISSION_DENIED","RESOURCE_EXHAUSTED","FAILED_PRECO\
NDITION","ABORTED","OUT_OF_RANGE","UNIMPLEMENTED","INTERNAL","UNAVAILABLE","DATA_LOSS","UNAUTHENTICATED"];function statusOf(headers){let code=headers["grpc-stat\
us"];if(code!==void 0)return{name:NAMES[Number(code)]??"UNKNOWN",message:decodeMessage(String(headers["grpc-message"]??""))};let http=Number(headers[":status"]??
200);if(http!==200)return{name:"UNAVAILABLE",message:`the server responded with HTTP ${http}: it is not a Fulcrum runtime`}}function decodeMessage(text){try{return decodeURIComponent(
text)}catch{return text}}function isFinal(status){return status.name==="UNAUTHENTICATED"||status.name==="PERMISSION_DENIED"||status.name==="INVALID_ARGUMENT"}function isRefusal(status){
return isFinal(status)||status.name==="ALREADY_EXISTS"||status.name==="FAILED_PRECONDITION"||status.name==="UNIMPLEMENTED"}var import_node_http2=require("node:http2");var MAX_MESSAGE_BYTES=64*1024*1024,FrameReader=class{#chunks=[];#buffered=0;#needed=5;push(chunk){if(this.#chunks.push(chunk),this.#buffered+=chunk.length,this.#buffered<
this.#needed)return[];let bytes=this.#chunks.length===1?chunk:Buffer.concat(this.#chunks,this.#buffered),messages=[],at=0;for(this.#needed=5;bytes.length-at>=5;){
let length=messageLength(bytes,at);if(bytes.length-at-5<length){this.#needed=5+length;break}messages.push(bytes.subarray(at+5,at+5+length)),at+=5+length}return this.#chunks=
at<bytes.length?[bytes.subarray(at)]:[],this.#buffered=bytes.length-at,messages}};function messageLength(bytes,at){if(bytes[at]!==0)throw new Error("the runtime\
 sent a compressed message, which is not supported");let length=bytes.readUInt32BE(at+1);if(length>MAX_MESSAGE_BYTES)throw new Error(`the runtime sent a message\
 of ${length} bytes; the maximum is ${MAX_MESSAGE_BYTES}`);return length}var StreamWriter=class{#stream;#queue=[];#bytes=0;#blocked=!1;#scheduled=!1;constructor(stream){this.#stream=stream,stream.on("drain",()=>{this.#blocked=!1,this.#flush()})}write(frame){
this.#stream.destroyed||this.#stream.writableEnded||(this.#queue.push(frame),this.#bytes+=frame.length,this.#bytes>8388608&&this.#stream.pause(),!this.#scheduled&&
(this.#scheduled=!0,process.nextTick(()=>queueMicrotask(()=>{this.#scheduled=!1,this.#flush()}))))}async end(limitMs){this.#stream.destroyed||(this.#queue.length>
0&&this.#stream.write(Buffer.concat(this.#queue)),this.#queue=[],this.#bytes=0,await new Promise(resolve=>{let timer=setTimeout(resolve,limitMs);this.#stream.once(
"close",()=>{clearTimeout(timer),resolve()}),this.#stream.end()}))}#flush(){if(this.#blocked||this.#queue.length===0||this.#stream.destroyed||this.#stream.writableEnded)
return;let chunk=this.#queue.length===1?this.#queue[0]:Buffer.concat(this.#queue);this.#queue=[],this.#bytes=0,this.#blocked=!this.#stream.write(chunk),this.#stream.
isPaused()&&this.#stream.resume()}};var SERVICE="/framework.FrameworkService/",WINDOW_BYTES=1024*1024,WARM_UP_TIMEOUT_MS=1e3,MAX_TIMEOUT=99999999,Transport=class{#session;#headers;#failure;constructor(url,token){
let authority=new URL(url).host;this.#headers={":method":"POST",":authority":authority,te:"trailers","content-type":"application/grpc","user-agent":"fulcrum-dom\
ain-node"},token&&(this.#headers["x-fulcrum-token"]=token);let session=(0,import_node_http2.connect)(url,{settings:{enablePush:!1,initialWindowSize:WINDOW_BYTES}});
this.#session=session,session.on("error",error=>{this.#failure??=error}),session.once("remoteSettings",()=>session.setLocalWindowSize(WINDOW_BYTES))}get failure(){
return this.#failure&&messageOf(this.#failure)}get open(){return!this.#session.closed&&!this.#session.destroyed}setReferenced(alive){alive?this.#session.ref():this.#session.
unref()}warmUp(){let stream=this.#session.request({...this.#headers,":path":"/grpc.health.v1.Health/Check"},{endStream:!1});this.#read(stream,{message:()=>{},closed:()=>{}});
let writer=new StreamWriter(stream);writer.write(Buffer.alloc(5)),writer.end(WARM_UP_TIMEOUT_MS)}openStream(events){let stream=this.#request("DomainCommunicatio\
n");return this.#read(stream,events),new StreamWriter(stream)}unary(frame,timeoutMs,headers={}){let stream=this.#request("SendMessage",{...headers,...timeoutHeader(
timeoutMs)}),response=new Promise((resolve,reject)=>{let received2;this.#read(stream,{message:message=>{received2??=message},closed:status=>{received2?resolve(received2):
reject(new Error(status.name==="OK"?"the runtime ended the call without a response":describeStatus(status)))}})});return stream.end(frame),{response,abandon:()=>stream.
close(import_node_http2.constants.NGHTTP2_CANCEL)}}async*stream(frame,timeoutMs,signal,headers={}){let stream=this.#request("SendMessageStream",{...headers,...timeoutMs===
void 0?{}:timeoutHeader(timeoutMs)}),received2=[],status,wake,cancel=()=>stream.close(import_node_http2.constants.NGHTTP2_CANCEL);this.#read(stream,{message:message=>{
received2.push(message),stream.pause(),wake?.()},closed:ended=>{status=ended,wake?.()}}),signal?.addEventListener("abort",cancel),stream.end(frame);try{for(;;){
for(let message=received2.shift();message;message=received2.shift())yield message;if(signal?.throwIfAborted(),status)break;stream.resume(),await new Promise(resolve=>{
wake=resolve})}let{name}=status;if(name!=="OK")throw new Error(describeStatus(status))}finally{signal?.removeEventListener("abort",cancel),status||cancel()}}destroy(){
this.#session.destroy()}#request(method,headers){return this.#session.request({...this.#headers,...headers,":path":SERVICE+method},{endStream:!1})}#read(stream,events){
let reader=new FrameReader,status,failure2;stream.on("response",headers=>{status??=statusOf(headers)}),stream.on("trailers",trailers=>{status??=statusOf(trailers)}),
stream.on("data",chunk=>{try{for(let bytes of reader.push(chunk))events.message(decodeRuntimeMessage(bytes))}catch(error){stream.destroy(error)}}),stream.on("en\
d",()=>{stream.end()}),stream.on("error",error=>{failure2??=error}),stream.on("close",()=>{let reason=this.#failure??failure2?.cause??failure2;events.closed(status??
{name:"UNAVAILABLE",message:reason?messageOf(reason):"the connection was closed"})})}};function timeoutHeader(ms){return{"grpc-timeout":`${Math.min(Math.max(1,Math.
ceil(ms)),MAX_TIMEOUT)}m`}}function describeStatus(status){return status.name==="OK"?"the runtime ended the stream":status.message?`${status.name}: ${status.message}`:
status.name}var TIMEOUT_MS=3e4,RECONNECT_DEADLINE_MS=6e4;function resolveOptions(options,className,env){let token=options.token??(env.FULCRUM_DOMAIN_TOKEN||void 0);return{name:options.
name??className??env.FULCRUM_DOMAIN_NAME??"",address:options.address??(env.FULCRUM_GRPC_SERVER||DEFAULT_ADDRESS),token,timeoutMs:options.timeoutMs??TIMEOUT_MS,reconnectDeadlineMs:env.
FULCRUM_DOMAIN_TOKEN?RECONNECT_DEADLINE_MS:1/0}}var PREPARE_TRANSPORT=Symbol.for("fulcrum.domain.warm"),prepared;function prepareTransport(){let{address,token}=resolveOptions({},void 0,process.env),url=dialUrl(
address),own={url,token,transport:new Transport(url,token)};return own.transport.warmUp(),own.transport.setReferenced(!1),prepared=own,()=>{prepared===own&&(prepared=
void 0,own.transport.destroy())}}function takeTransport(url,token){let candidate=prepared;return candidate===void 0||candidate.url!==url||candidate.token!==token?
new Transport(url,token):(prepared=void 0,candidate.transport.open?(candidate.transport.setReferenced(!0),candidate.transport):new Transport(url,token))}var REGISTER_TIMEOUT_MS=1e4,STABLE_MS=5e3,CLOSE_TIMEOUT_MS=1e3,RuntimeConnection=class{#options;#events;#pending=new PendingRequests;#idPrefix;#ids=0;#types=[];#state="\
idle";#maxMessageBytes=1/0;#transport;#writer;#epoch=0;#failures=0;#registeredAt;#lostAt;#everRegistered=!1;#timer;#lastLogged="";#waiters=new Set;constructor(options,events){
this.#options=options,this.#events=events,this.#idPrefix=`${options.domain}:${process.pid}:${Math.random().toString(36).slice(2,10)}:`}get epoch(){return this.#epoch}get registered(){
return this.#state==="registered"}connect(){let{url,token,transport}=this.#options;this.#transport??=transport?transport():takeTransport(url,token)}register(types){
this.#types=types;let done=this.#whenRegistered();return this.#state==="idle"&&this.#connectOnce(),done}send(type,payload,requestId,epoch=this.#epoch,more=!1){if(epoch!==
this.#epoch||this.#state!=="registered")return;let{domain}=this.#options,frame=encodeDomainFrame({domain,type,payload,requestId,more}),excess=this.#excessOf(frame,
`${type} of domain ${domain}`);if(excess){log(excess.message);let failure2=JSON.stringify({success:!1,error:excess.message,code:excess.code});frame=encodeDomainFrame(
{domain,type,payload:failure2,requestId})}this.#writer?.write(frame)}async request(type,payload,timeoutMs){if(this.#requireOpen(type),!this.#everRegistered)throw new FulcrumError(
"NOT_REGISTERED",`${type}: the domain is not registered yet; use onReady() for work that needs the runtime`);let deadline2=monotonicMs()+timeoutMs;this.#state!==
"registered"&&await this.#registeredWithin(timeoutMs,type);let id=this.#nextId(),frame=encodeDomainFrame({domain:this.#options.domain,type,payload,requestId:id}),
excess=this.#excessOf(frame,type);if(excess)throw excess;return this.#writer?.write(frame),this.#pending.add(id,type,timeoutMs,Math.max(1,deadline2-monotonicMs()))}async call(domain,type,payload,timeoutMs,signal,headers){
let what=`call ${type} of ${domain}`;this.#requireOpen(what),signal?.throwIfAborted();let deadline2=monotonicMs()+timeoutMs;this.#state==="backoff"&&await this.#registeredWithin(
timeoutMs,what),this.connect();let frame=encodeDomainFrame({domain,type,payload,requestId:this.#nextId()}),excess=this.#excessOf(frame,what);if(excess)throw excess;
let remainingMs2=Math.max(1,deadline2-monotonicMs()),timeout=new FulcrumError("TIMEOUT",`${what}: no response within ${timeoutMs} ms`),timer,onAbort;try{let{response,
abandon}=this.#transport.unary(frame,remainingMs2,headers),givenUp=new Promise((_,reject)=>{let giveUp=reason=>{reject(reason),abandon()};timer=setTimeout(()=>giveUp(
timeout),remainingMs2),onAbort=()=>giveUp(signal?.reason),signal?.addEventListener("abort",onAbort)});return await Promise.race([response,givenUp])}catch(error){
if(error instanceof FulcrumError||signal?.aborted)throw error;let text=messageOf(error);throw text.startsWith("DEADLINE_EXCEEDED")?timeout:new FulcrumError("DIS\
CONNECTED",`${what}: ${text}`)}finally{clearTimeout(timer),onAbort&&signal?.removeEventListener("abort",onAbort)}}async*stream(domain,type,payload,timeoutMs,signal,headers){
let what=`stream ${type} of ${domain}`;this.#requireOpen(what),signal?.throwIfAborted(),this.#state==="backoff"&&await this.#registeredWithin(timeoutMs??REGISTER_TIMEOUT_MS,
what),this.connect();let frame=encodeDomainFrame({domain,type,payload,requestId:this.#nextId()});try{yield*this.#transport.stream(frame,timeoutMs,signal,headers)}catch(error){
if(error instanceof FulcrumError||signal?.aborted)throw error;let text=messageOf(error);throw new FulcrumError(text.startsWith("DEADLINE_EXCEEDED")?"TIMEOUT":"D\
ISCONNECTED",`${what}: ${text}`)}}async close(){if(this.#state==="closed")return;this.#state="closed",clearTimeout(this.#timer);let gone=new FulcrumError("DISCO\
NNECTED","the domain was stopped before the response arrived");this.#pending.failAll(gone),this.#rejectWaiters(gone),await this.#writer?.end(CLOSE_TIMEOUT_MS),this.#transport?.
destroy()}abort(){this.#state="closed",clearTimeout(this.#timer),this.#transport?.destroy()}#excessOf(frame,what){let size=frame.length-5,limit=this.#maxMessageBytes;
if(!(size<=limit))return new FulcrumError("TOO_LARGE",`${what} has ${size} bytes, and the limit is ${limit} bytes (runtime.grpc.max_message)`)}#connectOnce(){this.#state=
"registering";let epoch=++this.#epoch,registerId=this.#nextId();try{this.connect(),this.#writer=this.#transport.openStream({message:message=>{epoch===this.#epoch&&
this.#receive(message,registerId)},closed:status=>{epoch===this.#epoch&&this.#onDisconnect(status)}})}catch(error){this.#onDisconnect({name:"UNAVAILABLE",message:this.#transport?.
failure??messageOf(error)});return}let{domain,capabilities}=this.#options,payload=JSON.stringify({domain,capabilities,types:this.#types});this.#writer.write(encodeDomainFrame(
{domain,type:"domain_register",payload,requestId:registerId})),this.#timer=setTimeout(()=>{this.#onDisconnect({name:"DEADLINE_EXCEEDED",message:`no response to \
the registration within ${REGISTER_TIMEOUT_MS/1e3} s`})},REGISTER_TIMEOUT_MS)}#receive(message,registerId){if(this.#state!=="closed"){if(this.#state==="register\
ing"){if(message.requestId!==registerId)return;message.success?this.#accepted(message):this.#onDisconnect({name:"FAILED_PRECONDITION",message:message.error||"no\
 reason given"});return}this.#pending.resolve(message)||this.#events.message(message)}}#accepted(message){clearTimeout(this.#timer),this.#state="registered",this.#registeredAt=
monotonicMs(),this.#lastLogged&&log(`${this.#options.domain} registered with the runtime at ${this.#options.address}`),this.#lastLogged="",this.#lostAt=void 0,this.#everRegistered=
!0;let response=parseObject(message.payload),{max_message_bytes:limit}=response;typeof limit=="number"&&limit>0&&(this.#maxMessageBytes=limit),this.#events.registered(
response);let waiters=this.#waiters;this.#waiters=new Set;for(let waiter of waiters)waiter.resolve()}#onDisconnect(status){if(this.#state==="closed"||this.#state===
"backoff")return;let previous=this.#state,now=monotonicMs();clearTimeout(this.#timer),this.#epoch++,this.#state="backoff";let transport=this.#transport;this.#transport=
void 0,this.#writer=void 0,transport?.destroy();let{address,domain}=this.#options;if(this.#pending.failAll(new FulcrumError("DISCONNECTED",`the connection to th\
e runtime at ${address} was lost before the response arrived (${describeStatus(status)})`)),previous==="registered"&&(now-(this.#registeredAt??now)>=STABLE_MS&&
(this.#failures=0),this.#events.lost()),isFinal(status)){this.#fail(new FulcrumError("REFUSED",`the runtime at ${address} rejects domain "${domain}": ${describeStatus(
status)}`));return}if(this.#logDisconnect(previous,status),this.#lostAt??=now,now-this.#lostAt>=this.#options.reconnectDeadlineMs){this.#fail(new FulcrumError("\
DISCONNECTED",`no connection to the runtime at ${address} for ${Math.round((now-this.#lostAt)/1e3)} s (${describeStatus(status)}); giving up`));return}this.#timer=
setTimeout(()=>this.#connectOnce(),backoffDelay(this.#failures++,Math.random()))}#logDisconnect(previous,status){let{address,domain}=this.#options,text;previous===
"registered"?text=`connection of ${domain} to the runtime at ${address} lost (${describeStatus(status)}); reconnecting`:isRefusal(status)?text=`the runtime at ${address}\
 rejected domain "${domain}": ${describeStatus(status)}; retrying`:text=`${domain} cannot reach the runtime at ${address} (${status.message||status.name}); retr\
ying`,text!==this.#lastLogged&&(this.#lastLogged=text,log(text))}#fail(error){this.#state="closed",this.#rejectWaiters(error),this.#events.fatal(error.message)}#requireOpen(what){
if(this.#state==="closed")throw new FulcrumError("NOT_REGISTERED",`${what}: the domain has been stopped`)}#nextId(){return this.#idPrefix+ ++this.#ids}#whenRegistered(){
return this.#state==="registered"?Promise.resolve():new Promise((resolve,reject)=>{this.#waiters.add({resolve,reject})})}async#registeredWithin(timeoutMs,what){
await new Promise((resolve,reject)=>{let finish=action=>()=>{clearTimeout(timer),this.#waiters.delete(waiter),action()},timeout=new FulcrumError("DISCONNECTED",
`${what}: no connection to the runtime at ${this.#options.address} within ${timeoutMs} ms`),waiter={resolve:finish(resolve),reject:error=>finish(()=>reject(error))()},
timer=setTimeout(()=>waiter.reject(timeout),timeoutMs);this.#waiters.add(waiter)})}#rejectWaiters(error){let waiters=this.#waiters;this.#waiters=new Set;for(let waiter of waiters)
waiter.reject(error)}};function monotonicMs(){return process.uptime()*1e3}function payloadOf(response,what){let payload;try{payload=response.payload===""?{}:JSON.parse(response.payload)}catch{if(response.success)throw new FulcrumError(
"FAILED",`${what}: the response is not JSON: ${response.payload.slice(0,80)}`)}let body=payload;if(response.success&&body?.success!==!1)return payload;let text=response.
error||(typeof body?.error=="string"?body.error:"")||`${what} failed without a reason`;throw new FulcrumError("FAILED",text)}var INSTANCES=Symbol.for("fulcrum.domain.instances");function instances(){return globalThis[INSTANCES]??=new Set}function observe(socket,now){return{read:socket.bytesRead,written:socket.bytesWritten,movedAt:now,sent:!1,counts:!0}}function isAtWork(socket,seen,now){let{bytesRead:read,
bytesWritten:written}=socket;(read!==seen.read||written!==seen.written)&&(seen.sent=read===seen.read,Object.assign(seen,{read,written,movedAt:now}));let quietFor=now-
seen.movedAt;return socket.connecting||socket.writableLength>0||quietFor<100||seen.sent&&quietFor<1e3}function hasOpenRequests(socket){let{_httpMessage:message}=socket;
if(message&&!String(message.getHeader?.("content-type")??"").startsWith("text/event-stream"))return!0;for(let key of Object.getOwnPropertySymbols(socket))if(key.
description==="client"||key.description==="session"&&openStreams(socket[key])>0)return!0;return!1}function openStreams(session){if(typeof session!="object"||session===
null)return 0;let key=Object.getOwnPropertySymbols(session).find(symbol=>symbol.description==="state"),state=key&&session[key];return(state&&state.streams?.size)??
0}async function timerFinder(){let[v8,{inspect}]=await Promise.all([import("node:v8"),import("node:util")]),{queryObjects}=v8;if(typeof queryObjects=="function")return()=>{
let probe=setTimeout(()=>{},0);clearTimeout(probe);let{_idleStart:now}=probe;return objectsOf(probe.constructor,queryObjects,inspect.custom).filter(timer=>!timer.
_destroyed&&timer._idleTimeout>=0&&timer.hasRef()).map(timer=>({interval:timer._repeat!==null,age:now-timer._idleStart,delay:timer._idleTimeout,dueIn:timer._idleStart+
timer._idleTimeout-now,unref:()=>timer.unref()}))}}function objectsOf(constructor,queryObjects,custom){let{prototype}=constructor,native=Object.getOwnPropertyDescriptor(
prototype,custom),{emitWarning}=process,found2=[];process.emitWarning=()=>{},Object.defineProperty(prototype,custom,{configurable:!0,value(){return found2.push(
this)}});try{return queryObjects(constructor,{format:"summary"}),found2}catch{return[]}finally{process.emitWarning=emitWarning,native?Object.defineProperty(prototype,
custom,native):delete prototype[custom]}}var LOOK_MS=25,TIMERS_MS=1e3,LOOP_DELAY_MS=1e3;function canReleaseEventLoop(){return typeof process._getActiveHandles=="function"&&typeof process.getActiveResourcesInfo==
"function"}async function releaseEventLoop(remaining){let[net,findTimers]=await Promise.all([import("node:net"),timerFinder()]),release=new EventLoopRelease(net,
findTimers,remaining);setInterval(()=>release.look(),LOOK_MS).unref(),process.on("beforeExit",()=>release.look()),release.look()}function describeEventLoop(){let counts=new Map;
for(let kind of process.getActiveResourcesInfo?.()??[])counts.set(kind,(counts.get(kind)??0)+1);return[...counts].map(([kind,count])=>`${count} ${kind}`).join("\
, ")||"a worker thread"}var EventLoopRelease=class{#startedAt=uptimeMs();#servers=new Set;#sockets=new Map;#pipes=new WeakSet;#nextTimersAt=0;#timersIntervalMs=TIMERS_MS;#Server;#Socket;#findTimers;#remaining;constructor(net,findTimers,remaining){
this.#Server=net.Server,this.#Socket=net.Socket,this.#findTimers=findTimers,this.#remaining=remaining}look(){let now=uptimeMs(),handles=process._getActiveHandles();
for(let{stdio}of handles)for(let pipe of stdio??[])pipe&&this.#pipes.add(pipe);for(let handle of handles)this.#release(handle,now);for(let server of this.#servers)
server.closeIdleConnections?.();for(let[socket,seen]of this.#sockets)this.#refer(socket,seen,now);if(!(now<this.#nextTimersAt||!onlyTimersLeft())){this.#nextTimersAt=
now+this.#timersIntervalMs,this.#timersIntervalMs*=2;for(let timer of this.#findTimers?.()??[])this.#isEndless(timer,now)&&timer.unref()}}#release(handle,now){handle instanceof
this.#Server?(this.#servers.has(handle)||handle.close(),this.#servers.add(handle)):handle instanceof this.#Socket&&handle.fd!==0&&!this.#pipes.has(handle)?this.#sockets.
has(handle)||this.#sockets.set(handle,observe(handle,now)):isThread(handle)||handle.unref?.()}#refer(socket,seen,now){if(socket.destroyed){this.#sockets.delete(
socket);return}let counts=isAtWork(socket,seen,now)||hasOpenRequests(socket);counts!==seen.counts&&(seen.counts=counts,counts?socket.ref():socket.unref())}#isEndless({
interval,age,delay,dueIn},now){return interval?!0:age<now-this.#startedAt?delay>=LOOP_DELAY_MS:dueIn>this.#remaining()}};function isThread(handle){return/^(MessagePort|Worker)$/.
test(handle.constructor.name)}function onlyTimersLeft(){let left=process.getActiveResourcesInfo();return left.length>0&&left.every(kind=>kind==="Timeout")}function uptimeMs(){
return process.uptime()*1e3}var OWN=Symbol.for("fulcrum.domain.stop-signal"),watched=new Set,received=!1,awaiting=new Set;function awaitStopSignal(ms){if(received)return;let release=()=>{clearTimeout(
timer),awaiting.delete(release)},timer=setTimeout(release,ms);awaiting.add(release)}function listenUnlessProgramDoes(signal,onSignal){if(watched.has(signal))return;
watched.add(signal);let own=()=>onSignal(signal);own[OWN]=!0;let update=()=>{let listeners=process.listeners(signal),others=listeners.some(listener=>listener[OWN]!==
!0),installed=listeners.includes(own);others&&installed?process.removeListener(signal,own):!others&&!installed&&process.on(signal,own)},later=event=>{event===signal&&
process.nextTick(update)};process.on("newListener",later),process.on("removeListener",later),noteArrival(signal),update()}function noteArrival(signal){let arrived=()=>{
received=!0;for(let release of awaiting)release()};arrived[OWN]=!0,process.prependOnceListener(signal,arrived)}var graceMs=1e4,RESERVE_MS=500,RESERVE_SHARE=.1,CHECK_MS=100,UNSETTLED=13,deadline,stopping=!1;function stopOnSignal(signal){listenUnlessProgramDoes(signal,received2=>{
stopProcess(received2)})}function setGrace(ms){graceMs=ms}function beginGrace(ms){deadline=uptimeMs2()+ms}function requestsDeadline(ms){return ms-reserve(ms)}async function stopProcess(signal){
stopping||(stopping=!0,deadline===void 0&&beginGrace(graceMs),watchDeadline(signal),await Promise.allSettled([...instances()].map(domain=>domain.stop(requestsDeadline(
remainingMs())))),allowUnsettledMain(),canReleaseEventLoop()?await releaseEventLoop(remainingMs):process.exit())}function allowUnsettledMain(){process.exitCode??=
0,process.on("exit",code=>{code===UNSETTLED&&process.exit(0)})}function watchDeadline(signal){let reserved=reserve(remainingMs()),check=()=>{let left=remainingMs()-
reserved/2;if(left>0){setTimeout(check,Math.min(left,CHECK_MS)).unref();return}log(`still running at the end of its grace: ${describeEventLoop()}; listen to ${signal}\
 to end in order, or unref() what may be cut off`),process.removeAllListeners(signal),process.kill(process.pid,signal)};check()}function reserve(ms){return Math.
min(RESERVE_MS,ms*RESERVE_SHARE)}function remainingMs(){return(deadline??0)-uptimeMs2()}function exitWithError(domain,error){log(`${domain}: ${describe(error)}`),
process.exit(1)}function uptimeMs2(){return process.uptime()*1e3}function kindText({name,kind,attributes}){return`"name":${JSON.stringify(name)},"kind":"${kind}","attributes":${JSON.stringify(attributes)}`}var DELAY_MS=100,BATCH=256,
MAX_BATCHES=16,ROW_BYTES=26,ID=2,START=10,DURATION=18,Batch=class{#bytes=Buffer.allocUnsafeSlow(BATCH*ROW_BYTES);#rows=new DataView(this.#bytes.buffer);#parents=[];#kinds=new Map;#errors=[];get length(){
return this.#parents.length}add(kind,{parent,high,low,start,duration,error}){let index=this.#kinds.get(kind);index===void 0&&this.#kinds.set(kind,index=this.#kinds.
size);let at=this.length*ROW_BYTES,rows=this.#rows;rows.setUint16(at,index),rows.setInt32(at+ID,high),rows.setInt32(at+ID+4,low),rows.setFloat64(at+START,start),
rows.setFloat64(at+DURATION,duration),error!==void 0&&this.#errors.push([this.length,error]),this.#parents.push(parent)}table(dropped){let kinds=[...this.#kinds.
keys()].map(kind=>`{${kind}}`),rows=this.#bytes.toString("hex",0,this.length*ROW_BYTES);return`{"kinds":[${kinds.join(",")}],"parents":"${this.#parents.join("")}\
","rows":"${rows}","errors":${JSON.stringify(this.#errors)},"dropped":${dropped}}`}objects(dropped){let kinds=[...this.#kinds.keys()],errors=new Map(this.#errors);
return`{"spans":[${this.#parents.map((parent,index)=>{let at=index*ROW_BYTES,rows=this.#rows,id=hexOf(rows.getInt32(at+ID))+hexOf(rows.getInt32(at+ID+4)),times=`\
"start":${rows.getFloat64(at+START)},"duration":${rows.getFloat64(at+DURATION)}`,error=errors.get(index),failure2=error===void 0?"":`,"error":${JSON.stringify(error)}`;
return`{"trace":"${traceOf(parent)}","id":"${id}","parent":"${spanOf(parent)}",${kinds[rows.getUint16(at)]},${times}${failure2}}`}).join(",")}],"dropped":${dropped}\
}`}},SpanBuffer=class{#send;#batches=[];#dropped=0;#timer;#open=!1;#tables=!1;constructor(send){this.#send=send}open(tables){this.#open=!0,this.#tables=tables,this.#batches.
length>0&&this.#schedule()}close(){this.#open=!1}add(kind,span){let batch=this.#batches.at(-1);if(batch===void 0||batch.length===BATCH){if(this.#batches.length===
MAX_BATCHES){this.#dropped++;return}batch=new Batch,this.#batches.push(batch)}batch.add(kind,span),this.#open&&(batch.length===BATCH?this.flush():this.#timer===
void 0&&this.#schedule())}flush(){if(clearTimeout(this.#timer),this.#timer=void 0,!this.#open)return;let batches=this.#batches;this.#batches=[];for(let batch of batches){
let dropped=this.#dropped;this.#dropped=0,this.#send(this.#tables?batch.table(dropped):batch.objects(dropped))}}discard(){this.#batches=[]}#schedule(){this.#timer??=
setTimeout(()=>this.flush(),DELAY_MS).unref()}};var import_node_async_hooks=require("node:async_hooks");var CLOCK_TOLERANCE_MS=50,storage,origin=performance.timeOrigin,Place=class{parent;tracestate;baggage;constructor(parent,tracestate,baggage){this.parent=parent,
this.tracestate=tracestate,this.baggage=baggage}get traceparent(){return this.parent}run(code){return(storage??=new import_node_async_hooks.AsyncLocalStorage).run(
this,code)}end(_error){}headers(){let headers={traceparent:this.traceparent};return this.tracestate!==""&&(headers.tracestate=this.tracestate),this.baggage!==""&&
(headers.baggage=this.baggage),headers}},Span=class extends Place{high=newHalfId();low=newHalfId();start;duration=0;error=void 0;#spans;#kind;#began;constructor(spans,kind,parent,tracestate,baggage){
super(parent,tracestate,baggage),this.#spans=spans,this.#kind=kind,this.#began=performance.now();let now=Date.now();Math.abs(origin+this.#began-now)>CLOCK_TOLERANCE_MS&&
(origin=now-this.#began),this.start=origin+this.#began}get traceparent(){return`00-${traceOf(this.parent)}-${hexOf(this.high)}${hexOf(this.low)}-01`}end(error){
this.duration=performance.now()-this.#began,this.error=error,this.#spans.add(this.#kind,this)}};function activePlace(){return storage?.getStore()}async function record(span,run){
let error;try{return await span.run(run)}catch(thrown){throw error=messageOf(thrown),thrown}finally{span.end(error)}}var API=Symbol.for("opentelemetry.js.api.1"),SPAN=Symbol.for("OpenTelemetry Context Key SPAN"),SERVER=1,CLIENT=2,ERROR=2,getter={get:(carrier,key)=>carrier[key]||
void 0,keys:carrier=>Object.keys(carrier)},setter={set:(carrier,key,value)=>{carrier[key]=value}},OpenTelemetry=class _OpenTelemetry{#context;#propagation;#tracer;constructor(context,propagation,tracer){
this.#context=context,this.#propagation=propagation,this.#tracer=tracer}static find(){let api=globalThis[API],{trace,context,propagation}=api??{};if(!(!trace||!context))
return found??=new _OpenTelemetry(context,propagation,trace.getTracer("@fulcrum/domain"))}handle(name,attributes,headers){let active=this.#context.active(),parent=this.#propagation?.
extract(active,headers,getter)??active;return this.#start(name,{kind:SERVER,attributes},parent).trace}async call(name,attributes,run){let{trace,context}=this.#start(
name,{kind:CLIENT,attributes},this.#context.active());return record(trace,()=>run(this.#headers(context)))}headers(){return this.#headers(this.#context.active())}#start(name,options,parent){
let span=this.#tracer.startSpan(name,options,parent),context=parent.setValue(SPAN,span);return{trace:{run:code=>this.#context.with(context,code),end:error=>{error!==
void 0&&span.setStatus({code:ERROR,message:error}),span.end()}},context}}#headers(context){let headers={};this.#propagation?.inject(context,headers,setter);let span=context.
getValue(SPAN);if(headers.traceparent===void 0&&span){let{traceId,spanId,traceFlags}=span.spanContext();headers.traceparent=`00-${traceId}-${spanId}-${(traceFlags&
255).toString(16).padStart(2,"0")}`}return headers}},found;var Tracing=class{#domain;#spans;#handlers=new Map;#recording;constructor(domain,spans){this.#domain=domain,this.#spans=spans}setRecording(recording,tables){this.#recording=
recording,recording?this.#spans.open(tables):(this.#spans.close(),this.#spans.discard())}pause(){this.#spans.close()}flush(){this.#spans.flush()}handle(name,headers){
let openTelemetry=OpenTelemetry.find();if(openTelemetry)return openTelemetry.handle(name,this.#attributesOf(name),headers);let{traceparent,tracestate,baggage}=headers;
if(traceparent==="")return;let parent=this.#recording===!0&&hasForm(traceparent)?traceparent:normalTraceparent(traceparent);if(parent===void 0)return;if(!this.#records(
parent))return new Place(parent,tracestate,baggage);let kind=this.#handlers.get(name);return kind===void 0&&(kind=kindText({name,kind:"server",attributes:this.#attributesOf(
name)}),this.#handlers.set(name,kind)),new Span(this.#spans,kind,parent,tracestate,baggage)}starting(traceparent,run){let parent=normalTraceparent(traceparent);
if(parent===void 0||!isSampled(parent)||OpenTelemetry.find())return run();let kind=kindText({name:"onStart",kind:"internal",attributes:{"fulcrum.domain":this.#domain}});
return record(new Span(this.#spans,kind,parent,"",""),async()=>run())}call(name,attributes,run){let openTelemetry=OpenTelemetry.find();if(openTelemetry)return openTelemetry.
call(name,attributes,run);let active=activePlace();if(!active)return run({});let parent=active.traceparent;if(!this.#records(parent))return run(active.headers());
let own=new Span(this.#spans,kindText({name,kind:"client",attributes}),parent,active.tracestate,active.baggage);return record(own,()=>run(own.headers()))}headers(){
let openTelemetry=OpenTelemetry.find();return openTelemetry?openTelemetry.headers():activePlace()?.headers()??{}}#records(traceparent){return this.#recording===
!0&&isSampled(traceparent)}#attributesOf(handler){return{"rpc.system.name":"fulcrum","rpc.method":`${this.#domain}/${handler}`}}};var TESTING=Symbol.for("fulcrum.domain.testing"),transports=new WeakMap,testingHook={FulcrumError,payloadOf,useTransport(domain,open){transports.set(domain,open)}};
function transportOf(domain){return transports.get(domain)}var CAPABILITIES=["db_operations","email_operations","heartbeat","drain","assets","cancel","deadline","stream","large_messages","trace","span_tables"],STOP_DEADLINE_MS=1e4,
STOP_SIGNAL_MS=1e3,DomainBase=class _DomainBase{static domainName;name;#options;#heartbeat=new Heartbeat;#subscriptions=new Map;#connection;#dispatcher;#tracing;#started;#stopped;#running=!1;constructor(options={}){
let given=typeof options=="string"?{name:options}:options;this.#options=resolveOptions(given,this.constructor.domainName,process.env),this.name=this.#options.name,
instances().add(this)}onStart(){}onReady(){}onStop(){}onAssetChanged(path){}get running(){return this.#running}get registered(){return this.#connection?.registered??
!1}start(){return this.#started??=this.#run()}stop(deadlineMs=STOP_DEADLINE_MS){return this.#stopped??=this.#close(deadlineMs)}createRecord(model,data){return this.
request("db_create",{model,data})}findRecords(model,query={}){return this.request("db_find",{model,query})}updateRecord(model,id,data){return this.request("db_u\
pdate",{model,id,data})}deleteRecord(model,id){return this.request("db_delete",{model,id})}sendEmail(message){return this.request("email_send",message)}db(model){
return new Table((type,payload)=>this.request(type,payload),model)}email(){return new Email((type,payload)=>this.request(type,payload))}async request(type,payload={},options={}){
let connection=this.#requireConnection(type),send=()=>connection.request(type,JSON.stringify(payload)??"{}",options.timeoutMs??this.#options.timeoutMs).then(response=>payloadOf(
response,type));return this.#traced(type,{"rpc.system.name":"fulcrum","rpc.method":type},send)}async call(domain,type,payload={},options={}){let connection=this.#requireConnection(
`call ${type} of ${domain}`),send=headers=>{let timeoutMs=options.timeoutMs??this.#options.timeoutMs;return connection.call(domain,type,JSON.stringify(payload)??
"{}",timeoutMs,options.signal,headers).then(response=>payloadOf(response,type))};return this.#traced(`${domain}/${type}`,{"rpc.system.name":"grpc","rpc.method":"\
framework.FrameworkService/SendMessage","fulcrum.domain":domain,"fulcrum.message.type":type},send)}async*stream(domain,type,payload={},options={}){let what=`str\
eam ${type} of ${domain}`,connection=this.#requireConnection(what);for await(let part of connection.stream(domain,type,JSON.stringify(payload)??"{}",options.timeoutMs,
options.signal,this.#tracing?.headers()))yield payloadOf(part,what)}async publish(topic,payload={}){await this.request("event_publish",{topic,payload})}async subscribe(topic,handler){
this.#subscriptions.set(topic,handler),this.registered&&await this.request("event_subscribe",{topics:[topic]})}async unsubscribe(topic){this.#subscriptions.delete(
topic),this.registered&&await this.request("event_unsubscribe",{topics:[topic]})}#subscribeAll(){let topics=[...this.#subscriptions.keys()];topics.length!==0&&this.
request("event_subscribe",{topics}).catch(error=>log(`${this.name}: cannot subscribe to ${topics.join(", ")}: ${messageOf(error)}`))}async#handleEvent(text){let{
topic,payload,from,missed}=parseObject(text),handler=this.#subscriptions.get(String(topic));try{await handler?.(payload,{topic:String(topic),from:String(from),missed:Number(
missed)})}catch(error){log(`${this.name}: the handler of ${String(topic)} failed: ${messageOf(error)}`)}}async#run(){let{address,token,reconnectDeadlineMs}=this.#options,
transport=transportOf(this);if(!this.name)throw new FulcrumError("INVALID","the domain has no name: set it in super(…), as static domainName, or in FULCRUM_DOMA\
IN_NAME");let connection=new RuntimeConnection({url:dialUrl(address),address,domain:this.name,token,capabilities:CAPABILITIES,reconnectDeadlineMs,transport},{registered:response=>this.#onRegistered(
response),message:message=>this.#receive(message),lost:()=>{this.#heartbeat.stop(),this.#tracing?.pause()},fatal:reason=>this.#fail(reason)});this.#connection=connection;
let tracing=new Tracing(this.name,new SpanBuffer(spans=>connection.send("spans",spans,"")));this.#tracing=tracing,this.#running=!0,connection.connect(),await void 0;
let registering;try{if(await tracing.starting(process.env.TRACEPARENT,()=>this.onStart()),this.#stopped)return;let handlers=collectHandlers(this,_DomainBase.prototype);
registering=connection.register([...handlers.keys()]),transport||stopOnSignal("SIGTERM"),this.#dispatcher=new Dispatcher(this,this.name,handlers,tracing)}catch(error){
connection.abort(),this.#failStart(error)}try{await registering}catch(error){if(this.#stopped)return;throw error}try{await this.onReady()}catch(error){this.#failStart(
error)}}#failStart(error){if(transportOf(this))throw error;exitWithError(this.name,error)}#receive(message){let{type,requestId}=message;if(type==="drain"){this.#drain(
message.payload);return}if(type==="cancel"){this.#dispatcher?.cancel(requestId);return}if(type==="event"){this.#handleEvent(message.payload);return}if(type==="c\
redit"){this.#dispatcher?.grant(requestId,parseObject(message.payload).parts);return}if(type==="asset_changed"){this.#handleAssetChanged(message.payload);return}
if(type==="error"||type.endsWith("_response")||requestId==="")return;let connection=this.#connection,{epoch}=connection;this.#dispatcher?.dispatch(message,(responseType,payload,id,more)=>connection.
send(responseType,payload,id,epoch,more))}#drain(payload){let{deadline_ms:ms}=parseObject(payload),graceMs2=typeof ms=="number"&&ms>=0?ms:STOP_DEADLINE_MS;awaitStopSignal(
Math.min(graceMs2,STOP_SIGNAL_MS)),beginGrace(graceMs2),this.#dispatcher?.setDeadline(requestsDeadline(graceMs2)),this.stop(requestsDeadline(graceMs2))}async#handleAssetChanged(payload){
try{let{path}=JSON.parse(payload);await this.onAssetChanged(path)}catch(error){log(`${this.name}: onAssetChanged failed: ${messageOf(error)}`)}}#onRegistered(response){
let{heartbeat_interval_ms:intervalMs,stop_signal:signal,stop_grace_ms:graceMs2}=response;this.#startHeartbeat(intervalMs),this.#tracing?.setRecording(response.spans===
!0,response.span_tables===!0),this.#subscribeAll(),typeof graceMs2=="number"&&graceMs2>=0&&setGrace(graceMs2),typeof signal=="string"&&signal!=="SIGKILL"&&stopOnSignal(
signal)}#startHeartbeat(intervalMs){if(typeof intervalMs!="number"||!(intervalMs>0))return;let connection=this.#connection;this.#heartbeat.start(intervalMs,payload=>connection.
send("heartbeat",JSON.stringify(payload),""),()=>this.#dispatcher?.draining?"draining":"ok")}async#close(deadlineMs){if(!this.#running)return;let unfinished=await this.#dispatcher?.
drain(deadlineMs)??0;unfinished>0&&log(`${this.name}: ${unfinished} request${unfinished>1?"s were":" was"} not finished within ${deadlineMs} ms`);try{await this.
onStop()}catch(error){log(`${this.name}: onStop failed: ${messageOf(error)}`)}this.#heartbeat.stop(),this.#tracing?.flush(),await this.#connection?.close(),this.#running=
!1}#fail(reason){log(reason),process.exit(1)}#traced(name,attributes,send){return this.#tracing?this.#tracing.call(name,attributes,send):send({})}#requireConnection(what){
if(!this.#connection)throw new FulcrumError("NOT_REGISTERED",`${what}: call start() first`);return this.#connection}};Object.defineProperty(DomainBase.prototype,
Symbol.for("fulcrum.domain"),{value:!0});Object.defineProperty(DomainBase,PREPARE_TRANSPORT,{value:prepareTransport});Object.defineProperty(DomainBase,TESTING,{
value:testingHook});var KEY=Symbol.for("@fulcrum/domain 0.1.0"),shared=globalThis[KEY]??=index_exports;var{DomainBase:DomainBase2,Email:Email2,FulcrumError:FulcrumError2,Table:Table2}=shared;0&&(module.exports={DomainBase,Email,FulcrumError,Table});
