import sys, torch, torch.nn as nn, torch.nn.functional as F
out=sys.argv[1]
torch.manual_seed(0)
M=torch.onnx.TrainingMode
def randomise(m):
    for x in m.modules():
        if isinstance(x,(nn.BatchNorm2d,)):
            x.running_mean.normal_(0,.3); x.running_var.uniform_(.5,1.5)
            x.weight.data.uniform_(.5,1.5); x.bias.data.normal_(0,.3)
        if isinstance(x,(nn.GroupNorm,nn.LayerNorm,nn.InstanceNorm2d)) and x.weight is not None:
            x.weight.data.uniform_(.5,1.5); x.bias.data.normal_(0,.3)
        if isinstance(x,nn.PReLU): x.weight.data.uniform_(.1,.4)
def save(name, m, size=(1,3,40,36), dynamic=True, opset=13, fold=False, keep=True):
    m.eval(); randomise(m)
    x=torch.randn(*size)
    torch.onnx.export(m,x,f'{out}/{name}.onnx',opset_version=opset,do_constant_folding=fold,
      training=M.PRESERVE if keep else M.EVAL,input_names=['image'],output_names=['output'],
      dynamic_axes={'image':{0:'n',2:'h',3:'w'}} if dynamic else None)
def cbr(i,o,k=3,s=1,g=1,d=1,act=nn.ReLU): return nn.Sequential(nn.Conv2d(i,o,k,s,d*(k//2),d,g,bias=False),nn.BatchNorm2d(o),act())
class Res(nn.Module):
    def __init__(s):
        super().__init__(); s.stem=cbr(3,8,7,2); s.pool=nn.MaxPool2d(3,2,1); s.a=cbr(8,8); s.b=nn.Sequential(nn.Conv2d(8,8,3,1,1),nn.BatchNorm2d(8)); s.down=cbr(8,16,3,2); s.avg=nn.AdaptiveAvgPool2d(1); s.fc=nn.Linear(16,5)
    def forward(s,x):
        x=s.pool(s.stem(x)); x=F.relu(x+s.b(s.a(x))); x=s.down(x); return s.fc(torch.flatten(s.avg(x),1))
class SE(nn.Module):
    def __init__(s,c): super().__init__(); s.fc1=nn.Conv2d(c,4,1); s.fc2=nn.Conv2d(4,c,1)
    def forward(s,x): return x*F.hardsigmoid(s.fc2(F.relu(s.fc1(F.adaptive_avg_pool2d(x,1)))))
class Mobile(nn.Module):
    def __init__(s): super().__init__(); s.stem=cbr(3,8,3,2,act=nn.Hardswish); s.dw=cbr(8,8,5,1,8,act=nn.Hardswish); s.se=SE(8); s.pw=cbr(8,12,1,act=nn.SiLU); s.head=nn.Sequential(nn.Linear(12,10),nn.Hardswish(),nn.Dropout(.2),nn.Linear(10,4))
    def forward(s,x): return s.head(s.pw(s.se(s.dw(s.stem(x)))).mean([2,3]))
class CNX(nn.Module):
    def __init__(s,c=8): super().__init__(); s.stem=nn.Conv2d(3,c,4,4); s.dw=nn.Conv2d(c,c,7,padding=3,groups=c); s.norm=nn.LayerNorm(c,eps=1e-6); s.p1=nn.Linear(c,4*c); s.p2=nn.Linear(4*c,c); s.gamma=nn.Parameter(torch.rand(c)); 
    def forward(s,x):
        x=s.stem(x); y=s.dw(x).permute(0,2,3,1); y=s.p2(F.gelu(s.p1(s.norm(y)))); y=(s.gamma*y).permute(0,3,1,2); return x+y
class UNet(nn.Module):
    def __init__(s): super().__init__(); s.d1=cbr(3,6,act=nn.LeakyReLU); s.d2=cbr(6,8); s.up=nn.ConvTranspose2d(8,6,2,2); s.u1=cbr(12,6,act=lambda: nn.PReLU(6)); s.out=nn.Conv2d(6,2,1)
    def forward(s,x): a=s.d1(x); b=s.d2(F.max_pool2d(a,2)); return F.softmax(s.out(s.u1(torch.cat([s.up(b),a],1))),1)
class UNetUp(nn.Module):
    def __init__(s): super().__init__(); s.d1=nn.Conv2d(3,6,3,1,1,padding_mode='reflect'); s.gn=nn.GroupNorm(2,6); s.d2=nn.Conv2d(6,8,3,1,2,2,bias=False); s.i=nn.InstanceNorm2d(8,affine=True); s.u1=nn.Conv2d(14,4,3,1,1)
    def forward(s,x): a=F.elu(s.gn(s.d1(x))); b=torch.tanh(s.i(s.d2(F.avg_pool2d(a,2)))); return s.u1(torch.cat([F.interpolate(b,scale_factor=2,mode='bilinear',align_corners=False),F.interpolate(F.interpolate(a,scale_factor=2),scale_factor=.5) if False else a],1))
class Shuffle(nn.Module):
    def __init__(s): super().__init__(); s.stem=cbr(3,8,3,2); s.b=cbr(4,4); 
    def forward(s,x):
        x=s.stem(x); a,b=x.chunk(2,1); y=torch.cat([a,s.b(b)],1); n,c,h,w=y.shape; y=y.view(n,2,c//2,h,w).transpose(1,2).contiguous().view(n,c,h,w); return y
class Odd(nn.Module):
    def __init__(s): super().__init__(); s.c=nn.Conv2d(3,8,3,padding=1); s.alpha=nn.Parameter(torch.tensor([0.7])); s.bias=nn.Parameter(torch.randn(8,1,1)); s.ps=nn.PixelShuffle(2); s.e=nn.Conv1d(1,1,3,padding=1,bias=False)
    def forward(s,x):
        y=F.pad(x,(1,2,0,1)); y=s.c(y[:,:,1:,::2])*s.alpha+s.bias; 
        g=s.e(y.mean([2,3]).unsqueeze(1)).squeeze(1)[:,:,None,None]; y=y*torch.sigmoid(g)
        z=y/(1e-3+torch.norm(y,p=2,dim=(2,3),keepdim=True)); y=torch.max(y,y-2*z)
        return s.ps(torch.clamp(y,-1,1.5))
class LN2(nn.Module):
    def __init__(s): super().__init__(); s.c=nn.Conv2d(3,8,3,2,1); s.w=nn.Parameter(torch.rand(8)); s.b=nn.Parameter(torch.rand(8))
    def forward(s,x):
        x=s.c(x); u=x.mean(1,keepdim=True); v=(x-u).pow(2).mean(1,keepdim=True); x=(x-u)/torch.sqrt(v+1e-6); return s.w[:,None,None]*x+s.b[:,None,None]
class GRN(nn.Module):
    def __init__(s): super().__init__(); s.c=nn.Conv2d(3,8,3,2,1); s.w=nn.Parameter(torch.rand(8)); s.b=nn.Parameter(torch.rand(8))
    def forward(s,x):
        x=s.c(x).permute(0,2,3,1); g=x.norm(p=2,dim=(1,2),keepdim=True); n=g/(g.mean(-1,keepdim=True)+1e-6); x=x+(s.b+s.w*(x*n)); return x.permute(0,3,1,2)
class Avg(nn.Module):
    def __init__(s): super().__init__(); s.c=nn.Conv2d(3,4,3,1,(2,1))
    def forward(s,x): return torch.cat([F.avg_pool2d(s.c(x),3,2,1,count_include_pad=False),F.avg_pool2d(s.c(x),3,2,1),F.max_pool2d(s.c(x),3,2,1)],1)*F.softplus(F.max_pool2d(s.c(x),3,2,1)[:,1:2])
import inspect
save('residual',Res()); save('residual-fixed-folded',Res(),dynamic=False,fold=True,keep=False,opset=9)
save('mobile',Mobile()); save('mobile-11',Mobile(),opset=11)
save('convnext',CNX(),opset=13); save('convnext-fixed',CNX(),opset=16,dynamic=False,fold=True,keep=False); save('convnext-17',CNX(),opset=17)
save('unet',UNet()); save('unet-norms',UNetUp(),opset=11); save('shuffle',Shuffle()); save('shuffle-fixed',Shuffle(),dynamic=False,opset=9)
save('oddities',Odd()); save('layernorm2d',LN2()); save('response-norm',GRN()); save('averages',Avg())
save('unet-norms-17',UNetUp(),opset=17)
