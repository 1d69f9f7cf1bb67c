#:project ../src/StreamingCnn/StreamingCnn.csproj

// A streamed trunk in a training loop of your own. StreamingModule is an ordinary TorchSharp module, so whatever loop you have stays as it is:
// here images of 256 x 320 pixels, some of which hold one bright dot of 5 x 5, are told apart by a trunk that sees 128 x 128 of them at a time.
//
//     dotnet run examples/drop-in.cs

using StreamingCnn;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;

const int Height = 256, Width = 320, Steps = 80;

random.manual_seed(1);
var places = new Random(1);
using var trunk = PaperTrunks.Small(inputChannels: 1);
using var streaming = new StreamingModule(trunk, new StreamingOptions { Tile = (128, 128) });
using var head = nn.Linear(64, 2);
using var optimizer = optim.AdamW(streaming.parameters().Concat(head.parameters()), 2e-3);

// Not needed to train: proof that the gradients are those of the whole image.
using (NewDisposeScope())
{
    var (image, label) = Sample(1);
    Loss(trunk.forward(image), label).backward();
    var whole = trunk.parameters().Select(parameter => parameter.grad!.clone()).ToArray();
    optimizer.zero_grad();
    Loss(streaming.forward(image), label).backward();
    var difference = trunk.parameters().Zip(whole, (parameter, reference) => ((parameter.grad! - reference).abs().max() / reference.abs().max()).item<float>()).Max();
    Console.WriteLine($"largest difference of a gradient from the whole image's, relative: {difference:0.0e+0}");
    if (difference > 1e-4)
        return 1;
}

var (right, losses) = (0, 0.0);
for (var step = 1; step <= Steps; step++)
{
    optimizer.zero_grad();
    // Gradients of four images add up before each update.
    for (var i = 0; i < 4; i++)
    {
        using var scope = NewDisposeScope();
        var (image, label) = Sample(i % 2);
        var map = streaming.forward(image);
        var loss = Loss(map, label);
        (loss / 4).backward();
        losses += loss.item<float>();
        right += Scores(map).argmax(1).item<long>() == i % 2 ? 1 : 0;
    }

    optimizer.step();
    if (step % 10 == 0)
    {
        Console.WriteLine($"step {step,2}: mean loss {losses / 40:0.000}, {right} of 40 right");
        if (step == Steps && right < 36)
            return 1;
        (right, losses) = (0, 0);
    }
}

return 0;

Tensor Scores(Tensor map) => head.forward(map.amax([2, 3]));

Tensor Loss(Tensor map, Tensor label) => nn.functional.cross_entropy(Scores(map), label);

(Tensor Image, Tensor Label) Sample(int label)
{
    var image = rand(1, 1, Height, Width) * 0.5;
    if (label == 1)
        image.narrow(2, places.Next(Height - 5), 5).narrow(3, places.Next(Width - 5), 5).fill_(1);
    return (image - 0.25, tensor(new long[] { label }));
}
