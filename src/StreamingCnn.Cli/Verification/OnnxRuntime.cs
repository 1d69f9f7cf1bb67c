using System.Runtime.InteropServices;
using StreamingCnn.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Verification;

/// <summary>
/// ONNX Runtime, where it is installed: found at run time, as the program does not come with it. Its functions stand in a table whose order
/// is fixed from its first version on.
/// </summary>
internal sealed unsafe class OnnxRuntime
{
    /// <summary>Names the library, where it is not found or another is wanted.</summary>
    public const string LibraryVariable = "SCNN_ONNXRUNTIME";

    private const uint OldestTable = 1;
    private const int SeverityOfErrors = 3;
    private const int Float32 = 1;

    private readonly nint* functions;

    private OnnxRuntime(nint library)
    {
        var start = (delegate* unmanaged<nint*>)NativeLibrary.GetExport(library, "OrtGetApiBase");
        var root = start();
        functions = (nint*)((delegate* unmanaged<uint, nint>)root[0])(OldestTable);
        Version = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)root[1])()) ?? "";
    }

    /// <summary>Its version.</summary>
    public string Version { get; }

    /// <summary>The first one that is there; null where none is.</summary>
    /// <param name="variable">The value of a variable of the environment; null where there is none.</param>
    public static OnnxRuntime? Find(Func<string, string?> variable)
    {
        var names = variable(LibraryVariable) is { Length: > 0 } named
            ? [named]
            : (IEnumerable<string>)["onnxruntime", "libonnxruntime.so.1", .. OfPackages(variable)];
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, out var library) && NativeLibrary.TryGetExport(library, "OrtGetApiBase", out _))
                return new(library);
        }

        return null;
    }

    /// <summary>What a model makes of an image.</summary>
    /// <param name="model">The file's content.</param>
    /// <param name="image">[N, C, H, W], float32.</param>
    /// <returns>The first output.</returns>
    /// <exception cref="InvalidOperationException">It refuses the model or the image; the message is its own.</exception>
    public Tensor Run(ReadOnlySpan<byte> model, Tensor image)
    {
        nint environment = 0, options = 0, session = 0, memory = 0, input = 0, output = 0, allocator = 0, inputName = 0, outputName = 0;
        try
        {
            fixed (byte* name = "scnn\0"u8)
                Check(((delegate* unmanaged<int, byte*, nint*, nint>)functions[3])(SeverityOfErrors, name, &environment));
            Check(((delegate* unmanaged<nint*, nint>)functions[10])(&options));
            fixed (byte* content = model)
                Check(
                    ((delegate* unmanaged<nint, byte*, nuint, nint, nint*, nint>)functions[8])(
                        environment, content, (nuint)model.Length, options, &session));
            Check(((delegate* unmanaged<nint*, nint>)functions[78])(&allocator));
            Check(((delegate* unmanaged<nint, nuint, nint, nint*, nint>)functions[36])(session, 0, allocator, &inputName));
            Check(((delegate* unmanaged<nint, nuint, nint, nint*, nint>)functions[37])(session, 0, allocator, &outputName));
            Check(((delegate* unmanaged<int, int, nint*, nint>)functions[69])(0, 0, &memory));
            using var laid = image.contiguous();
            var bytes = laid.bytes;
            var shape = laid.shape;
            fixed (byte* values = bytes)
            fixed (long* sides = shape)
            {
                Check(((delegate* unmanaged<nint, byte*, nuint, long*, nuint, int, nint*, nint>)functions[49])(
                    memory, values, (nuint)bytes.Length, sides, (nuint)shape.Length, Float32, &input));
                Check(((delegate* unmanaged<nint, nint, nint*, nint*, nuint, nint*, nuint, nint*, nint>)functions[9])(
                    session, 0, &inputName, &input, 1, &outputName, 1, &output));
            }

            return Values(output);
        }
        finally
        {
            foreach (var name in (nint[])[inputName, outputName])
            {
                if (name != 0)
                    _ = ((delegate* unmanaged<nint, nint, nint>)functions[76])(allocator, name);
            }

            (nint, int)[] all = [(output, 96), (input, 96), (memory, 94), (session, 95), (options, 100), (environment, 92)];
            foreach (var (what, release) in all)
            {
                if (what != 0)
                    ((delegate* unmanaged<nint, void>)functions[release])(what);
            }
        }
    }

    private Tensor Values(nint output)
    {
        nint info = 0, values = 0;
        nuint count = 0;
        Check(((delegate* unmanaged<nint, nint*, nint>)functions[65])(output, &info));
        try
        {
            Check(((delegate* unmanaged<nint, nuint*, nint>)functions[61])(info, &count));
            var shape = new long[count];
            fixed (long* sides = shape)
                Check(((delegate* unmanaged<nint, long*, nuint, nint>)functions[62])(info, sides, count));
            Check(((delegate* unmanaged<nint, nint*, nint>)functions[51])(output, &values));
            var result = empty(shape, dtype: ScalarType.Float32);
            new ReadOnlySpan<byte>((void*)values, result.bytes.Length).CopyTo(result.bytes);
            return result;
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)functions[99])(info);
        }
    }

    private void Check(nint status)
    {
        if (status == 0)
            return;
        var message = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)functions[2])(status)) ?? "";
        ((delegate* unmanaged<nint, void>)functions[93])(status);
        throw new InvalidOperationException($"ONNX Runtime {Version} refuses the network: {message.ReplaceLineEndings(" ")}");
    }

    /// <summary>Those that NuGet has fetched, the newest first.</summary>
    private static IEnumerable<string> OfPackages(Func<string, string?> variable) =>
        CachedPackage.Versions("Microsoft.ML.OnnxRuntime", variable)
            .Select(version => Path.Combine(version, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", "libonnxruntime.so"))
            .Where(File.Exists);
}
