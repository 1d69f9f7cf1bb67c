using System.Text;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>Writes images as NumPy arrays of height, width and channels.</summary>
internal static class NumpyFile
{
    /// <summary>Writes a tensor [H, W, C] of uint8 or float32.</summary>
    public static void Write(string path, Tensor pixels)
    {
        var type = pixels.dtype == ScalarType.Byte ? "|u1" : "<f4";
        // With the ten bytes before it the header fills 128.
        var header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({string.Join(", ", pixels.shape)}), }}".PadRight(117) + "\n";
        using var file = new BinaryWriter(File.Create(path));
        file.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0]);
        file.Write((ushort)header.Length);
        file.Write(Encoding.ASCII.GetBytes(header));
        file.Write(pixels.contiguous().bytes);
    }
}
