using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace StreamingCnn.Onnx.Tests;

/// <summary>ONNX Runtime, which shares no code with us.</summary>
internal static class ReferenceRuntime
{
    /// <summary>What it makes of an image; the test is skipped where its native library does not load.</summary>
    public static Tensor Run(string path, Tensor image, string? output = null)
    {
        InferenceSession session;
        try
        {
            session = new InferenceSession(
                path, new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR });
        }
        catch (Exception reason) when (reason is DllNotFoundException or TypeInitializationException)
        {
            Assert.Skip($"ONNX Runtime does not load here: {reason.Message}");
            throw;
        }

        using (session)
        {
            var values = new DenseTensor<float>(image.data<float>().ToArray(), [.. image.shape.Select(side => (int)side)]);
            using var results = session.Run(
                [NamedOnnxValue.CreateFromTensor(session.InputMetadata.Keys.First(), values)],
                [output ?? session.OutputMetadata.Keys.First()]);
            var result = results[0].AsTensor<float>();
            long[] shape = [.. result.Dimensions.ToArray().Select(side => (long)side)];
            return tensor(result.ToArray()).reshape(shape);
        }
    }

    /// <summary>The largest difference, relative to the largest entry.</summary>
    public static double Difference(Tensor a, Tensor b)
    {
        Assert.Equal(b.shape, a.shape);
        var (difference, largest) = ((a - b).abs().max().ToDouble(), b.abs().max().ToDouble());
        return difference == 0 ? 0 : difference / largest;
    }
}
