using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Interop;

public sealed class MatrixProductsTests
{
    /// <summary>A gate's second layer, as squeeze-and-excite has it: its operand's gradient came out in two ways.</summary>
    [Fact]
    public void A_product_has_the_same_bits_wherever_its_tensors_lie()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var (operand, weight, gradient) = (randn(1, 40, 1, 1), randn(144, 40, 1, 1), randn(1, 144, 1, 1));
        operand.requires_grad_(true);
        var between = new Queue<Tensor>();
        var random = new Random(1);
        byte[]? first = null;
        for (var i = 0; i < 100; i++)
        {
            using var once = NewDisposeScope();
            between.Enqueue(empty(random.Next(1, 3000)).DetachFromDisposeScope());
            if (between.Count > 40)
                between.Dequeue().Dispose();
            var result = nn.functional.conv2d(operand, weight);
            var bytes = autograd.grad([result], [operand], [gradient])[0].bytes.ToArray();
            Assert.Equal(first ??= bytes, bytes);
        }

        foreach (var tensor in between)
            tensor.Dispose();
    }
}
