import sys, torch, torchvision
from torchvision import models as M
out=sys.argv[1]
names=sys.argv[2:]
T=torch.onnx.TrainingMode
import inspect
for name in names:
  try:
    torch.manual_seed(0)
    kw={}
    sz=224
    if name in('googlenet','inception_v3'): kw=dict(aux_logits=True,init_weights=False) 
    if name=='inception_v3': sz=299
    seg = name.startswith(('fcn','deeplab','lraspp'))
    ctor = getattr(M.segmentation if seg else M,name)
    if seg: kw=dict(weights=None,weights_backbone=None)
    m=ctor(**kw).eval()
    for x in m.modules():
        if isinstance(x,torch.nn.BatchNorm2d): x.running_mean.normal_(0,.1); x.running_var.uniform_(.7,1.3); x.weight.data.uniform_(.7,1.3); x.bias.data.normal_(0,.1)
    if seg:
        class W(torch.nn.Module):
            def __init__(s,m): super().__init__(); s.m=m
            def forward(s,x): return s.m(x)['out']
        m=W(m).eval()
    torch.onnx.export(m,torch.randn(1,3,sz,sz),f'{out}/{name}.onnx',opset_version=13,do_constant_folding=False,training=T.PRESERVE,input_names=['image'],output_names=['output'],dynamic_axes={'image':{0:'n',2:'h',3:'w'}})
    print('ok',name)
  except Exception as e: print('FAIL',name,repr(e)[:200])
