function messageOf(error){return error instanceof AggregateError&&!error.message?error.errors.map(messageOf).join(", "):error instanceof Error?error.message||error.
name:String(error)}function decodeDomainFrame(frame){let texts=["","","",""],more=!1,cursor={at:5};for(;cursor.at<frame.length;){let field=Math.floor(readVarint(frame,cursor)/8),value=readVarint(
frame,cursor);if(field===5){more=value!==0;continue}texts[field-1]=frame.toString("utf8",cursor.at,cursor.at+value),cursor.at+=value}let[domain="",type="",payload="",
requestId=""]=texts;return{domain,type,payload,requestId,more}}function readVarint(bytes,cursor){let value=0,factor=1;for(let count=0;count<10;count++){let byte=bytes[cursor.at];if(byte===void 0)throw new Error(`malformed m\
essage: it ends inside a number at byte ${cursor.at}`);if(cursor.at++,value+=(byte&127)*factor,byte<128)return value;factor*=128}throw new Error(`malformed mess\
age: a number of more than ten bytes at byte ${cursor.at}`)}function responseTypeOf(requestType){return requestType.endsWith("_request")?`${requestType.slice(0,-8)}_response`:`${requestType}_response`}function parseObject(text){try{let value=JSON.parse(text);return typeof value=="object"&&value!==null?value:{}}catch{return{}}}function isParts(result){return typeof result=="object"&&result!==null&&typeof result[Symbol.asyncIterator]=="function"}async function collectParts(parts){let all=[];for await(let part of parts)all.push(part);return all}var CREDIT=16,LocalRuntime=class{published=[];#hook;#runtime;#responders=new Map;#peers=new Map;#calls=new Map;#ids=0;constructor(hook,runtime){this.#hook=hook,
this.#runtime=runtime}addResponders(domain,responders){this.#responders.set(domain,responders)}transport(name){let close=()=>{};return{failure:void 0,openStream:events=>{
let{peer,closed}=this.#connect(name,events);return close=closed,{write:frame=>this.#receive(name,peer,decodeDomainFrame(frame)),end:async()=>closed()}},unary:(frame,timeoutMs)=>{
let{domain,type,payload}=decodeDomainFrame(frame),controller=new AbortController;return{response:this.call(domain,type,payload===""?{}:JSON.parse(payload),timeoutMs,
controller.signal),abandon:()=>controller.abort()}},stream:(frame,timeoutMs,signal)=>{let{domain,type,payload}=decodeDomainFrame(frame);return this.stream(domain,
type,payload===""?{}:JSON.parse(payload),timeoutMs??0,signal)},destroy:()=>close()}}async call(domain,type,payload,timeoutMs,signal){signal?.throwIfAborted();let peer=this.#peers.
get(domain);if(!peer)return this.#respond(this.#responders.get(domain),domain,type,payload);let{id,response}=this.#start(peer,type,payload,timeoutMs,0,()=>{});return this.#settle(
peer,id,response,type,timeoutMs,signal)}async*stream(domain,type,payload,timeoutMs,signal){signal?.throwIfAborted();let peer=this.#peers.get(domain);if(!peer){yield*this.#respondInParts(
domain,type,payload);return}let parts=[],wake,{id,response}=this.#start(peer,type,payload,timeoutMs,CREDIT,part=>{parts.push(part),wake?.()}),ended=!1,end=this.#settle(
peer,id,response,type,timeoutMs,signal).finally(()=>{ended=!0,wake?.()});end.catch(()=>{});try{for(;;){for(let part=parts.shift();part;part=parts.shift())yield part,
peer.send(message("credit",JSON.stringify({parts:1}),id));if(ended)break;await new Promise(resolve=>{wake=resolve})}let last=await end;(!last.success||last.payload!==
"")&&(yield last)}finally{ended||this.#cancel(peer,id)}}publish(topic,payload,from){this.published.push({topic,payload,from});let text=JSON.stringify({topic,payload,
from,missed:0});for(let peer of this.#peers.values())peer.topics.has(topic)&&peer.send(message("event",text,""))}#connect(name,events){let open=!0,peer={send:sent=>queueMicrotask(
()=>{open&&events.message(sent)}),topics:new Set,calls:new Set};return{peer,closed:()=>{if(open){open=!1,this.#peers.get(name)===peer&&this.#peers.delete(name);
for(let id of peer.calls)this.#calls.get(id)?.fail(new Error(`UNAVAILABLE: domain "${name}" has stopped`));events.closed({name:"OK",message:""})}}}}#receive(name,peer,{
type,payload,requestId,more}){if(type==="domain_register"){this.#peers.set(name,peer),peer.send(message("register_success",JSON.stringify({status:"registered"}),
requestId));return}let call=this.#calls.get(requestId);if(call){let response=fromDomain(type,payload,requestId);more?call.part(response):call.done(response);return}
type.endsWith("_response")||requestId===""||type==="heartbeat"||this.#request(name,peer,type,parseObject(payload)).then(response=>peer.send({...response,requestId}))}async#request(name,peer,type,payload){
let topics=Array.isArray(payload.topics)?payload.topics.map(String):[];if(type==="event_publish")this.publish(String(payload.topic),payload.payload,name);else if(type===
"event_subscribe")for(let topic of topics)peer.topics.add(topic);else if(type==="event_unsubscribe")for(let topic of topics)peer.topics.delete(topic);else return this.#respond(
this.#runtime,void 0,type,payload);return message(responseTypeOf(type),'{"success":true}',"")}async#respond(responders,domain,type,payload){let responder=responders?.[type];
if(!responder)return failed(unknown(responders,domain,type));try{let result=await responder(payload);return fromDomain(responseTypeOf(type),JSON.stringify(isParts(
result)?await collectParts(result):result)??"{}","")}catch(error){return failed(messageOf(error))}}async*#respondInParts(domain,type,payload){let responder=this.#responders.
get(domain)?.[type],result=responder&&isGenerator(responder)?responder(payload):void 0;if(!isParts(result)){yield await this.#respond(this.#responders.get(domain),
domain,type,payload);return}for await(let part of result)yield message(responseTypeOf(type),JSON.stringify(part)??"{}","")}#start(peer,type,payload,timeoutMs,streamCredit,part){
let id=`test:${++this.#ids}`,response=new Promise((done,fail)=>this.#calls.set(id,{part,done,fail}));peer.calls.add(id);let deadlineMs=timeoutMs>0?timeoutMs+1:0;
return peer.send({...message(type,JSON.stringify(payload)??"{}",id),deadlineMs,streamCredit}),{id,response}}async#settle(peer,id,response,type,timeoutMs,signal){
let timer,onAbort,givenUp=new Promise((_,reject)=>{let giveUp=reason=>{this.#cancel(peer,id),reject(reason)};timeoutMs>0&&(timer=setTimeout(()=>giveUp(new this.#hook.
FulcrumError("TIMEOUT",`${type}: no response within ${timeoutMs} ms`)),timeoutMs)),onAbort=()=>giveUp(signal?.reason),signal?.addEventListener("abort",onAbort)});
try{return await Promise.race([response,givenUp])}finally{clearTimeout(timer),onAbort&&signal?.removeEventListener("abort",onAbort),this.#calls.delete(id),peer.
calls.delete(id)}}#cancel(peer,id){this.#calls.has(id)&&peer.send(message("cancel","",id))}};function message(type,payload,requestId){return{type,payload,requestId,
success:!0,error:"",deadlineMs:0,streamCredit:0,traceparent:"",tracestate:"",baggage:""}}function failed(error){return{...message("error","",""),success:!1,error}}
function fromDomain(type,payload,requestId){let body=parseObject(payload),response=message(type,payload,requestId);return body.success!==!1?response:{...response,
success:!1,error:typeof body.error=="string"?body.error:"a failure without a reason"}}function unknown(responders,domain,type){return domain===void 0?`Unknown m\
essage type: ${type} (add it to the option \`runtime\` of startDomain)`:responders?`Unknown message type: ${type} (domain ${domain} of this test responds to ${Object.
keys(responders).sort().join(", ")||"nothing"})`:`unknown domain "${domain}" (add it to the option \`domains\` of startDomain)`}function isGenerator(responder){
return responder.constructor.name==="AsyncGeneratorFunction"}var TESTING=Symbol.for("fulcrum.domain.testing");var TIMEOUT_MS=5e3;async function startDomain(domainClass,options={}){let hook=hookOf(domainClass),runtime=new LocalRuntime(hook,options.runtime??{}),others=[],
start=async(given,name)=>{let domain2=new given;return domain2.name=name||domain2.name||nameOf(given),hookOf(given).useTransport(domain2,()=>runtime.transport(domain2.
name)),await domain2.start(),domain2};for(let[name,other]of Object.entries(options.domains??{}))typeof other=="function"?others.push(await start(other,name)):runtime.
addResponders(name,other);let domain=await start(domainClass,options.name);return{domain,published:runtime.published,call:async(type,payload={},{timeoutMs=TIMEOUT_MS,
signal}={})=>hook.payloadOf(await runtime.call(domain.name,type,payload,timeoutMs,signal),type),async*stream(type,payload={},{timeoutMs=TIMEOUT_MS,signal}={}){for await(let part of runtime.
stream(domain.name,type,payload,timeoutMs,signal))yield hook.payloadOf(part,type)},publish:async(topic,payload={})=>runtime.publish(topic,payload,"test"),stop:async()=>{
await domain.stop();for(let other of others.reverse())await other.stop()}}}function hookOf(domainClass){let hook=typeof domainClass=="function"?domainClass[TESTING]:
void 0;if(hook)return hook;throw new TypeError("startDomain() needs a class that extends DomainBase of @fulcrum/domain, in this version or a later one")}function nameOf(domainClass){
return domainClass.name.replace(/([a-z0-9])([A-Z])/g,"$1-$2").replace(/([A-Z])([A-Z][a-z])/g,"$1-$2").toLowerCase()||"domain"}export{startDomain};
